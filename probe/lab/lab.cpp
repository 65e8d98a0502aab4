#include "probe/lab/lab.hpp"

#include "probe/kernel/capabilities.hpp"
#include "probe/kernel/destroy_events.hpp"
#include "probe/kernel/socket_facts.hpp"
#include "probe/kernel/sysctl.hpp"
#include "probe/kernel/system_error.hpp"
#include "probe/lab/loopback.hpp"
#include "probe/lab/namespaces.hpp"

#include <system_error>

#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/utsname.h>

namespace finwait::lab {

namespace {

std::string kernel_release()
{
    utsname names{};
    return uname(&names) == 0 ? names.release : "";
}

/// A listener on the loopback: the one TCP socket that needs no other and sends nothing when it is
/// destroyed.
result<kernel::unique_fd> make_listener()
{
    kernel::unique_fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* const name = reinterpret_cast<const sockaddr*>(&address);
    if (!listener || bind(listener.get(), name, sizeof address) != 0 ||
        listen(listener.get(), 1) != 0)
        return kernel::last_error();
    return listener;
}

/// Tries SOCK_DESTROY on a socket of our own: what decides is not only CAP_NET_ADMIN but also who
/// owns the namespace and how the kernel was built.
result<void> try_destroy()
{
    auto diag = kernel::sock_diag::open();
    if (!diag)
        return diag.error();
    const auto listener = make_listener();
    if (!listener)
        return listener.error();
    const auto id = kernel::identify(listener->get());
    if (!id)
        return id.error();
    return diag->destroy(*id);
}

std::vector<std::string> working_observers()
{
    std::vector<std::string> found;
    if (kernel::sock_diag::open())
        found.emplace_back("sock_diag");
    if (kernel::destroy_events::open(64 * 1024))
        found.emplace_back("destroy_events");
    return found;
}

/// What keeps a lab of the wanted kind from being made of namespaces; nullopt when the process is
/// in them now.
std::optional<not_run> why_host(wanted how)
{
    not_run entry;
    entry.what = "resolve";
    if (how == wanted::host) {
        entry.reason =
            "the probes run in the host's network, whose nameserver is not ours to stall";
        entry.cure = "a target of the lab: then the probes run in namespaces of their own";
        return entry;
    }
    const auto refused = enter_namespaces();
    if (!refused)
        return std::nullopt;
    entry.reason = reason_of(*refused);
    entry.cure = cure_of(*refused, read_refusing_settings());
    return entry;
}

/// Gives the namespaces that are made from here on a hash table of sockets of their own. Listing a
/// namespace's sockets walks the whole table, and the machine's has 262144 buckets on one with 8
/// GB. What it is for: some connections of a probe; half as many may be in TIME_WAIT
/// (net/ipv4/tcp_ipv4.c: tcp_set_hashinfo()).
void shrink_tables_to_come()
{
    // Ignoring that Linux before 6.1 has none, or that /proc/sys is read-only: it takes longer
    // then.
    (void)kernel::set_sysctl("tcp_child_ehash_entries", "8192");
}

} // namespace

place place::enter(wanted how)
{
    place here;
    auto& facts = here.environment_;
    facts.kernel = kernel_release();
    auto refused = why_host(how);
    if (!refused) {
        if (auto home = current_network())
            here.home_ = std::move(*home);
        else
            refused = not_run{"resolve", "/proc: " + home.error().message(), "mount /proc"};
    }
    if (!refused)
        shrink_tables_to_come();
    facts.lab = refused ? lab_kind::host : lab_kind::namespace_;
    if (auto destroyed = try_destroy(); !destroyed) {
        not_run entry = destroy_not_run(destroyed.error().value());
        if (refused && how == wanted::namespaces)
            entry = {
                entry.what,
                refused->reason + "; " + entry.reason,
                refused->cure + "; or " + entry.cure};
        facts.not_run.push_back(std::move(entry));
    }
    if (refused)
        facts.not_run.push_back(std::move(*refused));
    facts.sysctls = kernel::tcp_sysctls();
    if (kernel::owns_network_namespace())
        facts.capabilities = kernel::capability_names(kernel::effective_capabilities());
    facts.observers = working_observers();
    return here;
}

result<net_namespace> place::make_namespace() const
{
    if (!home_)
        return net_namespace();
    auto made = fresh_network(home_.get());
    if (!made)
        return made.error();
    return net_namespace(std::move(*made));
}

result<void> place::add_loopback_address(const endpoint& address)
{
    return add_address(address);
}

inside::inside(const net_namespace& where, const place& home)
{
    if (!where)
        return;
    if (setns(where.fd(), CLONE_NEWNET) != 0)
        throw std::system_error(errno, std::generic_category(), "setns into a lab's namespace");
    home_ = home.home_fd();
}

inside::~inside()
{
    if (home_ >= 0 && setns(home_, CLONE_NEWNET) != 0)
        std::terminate(); // whatever came next would be measured in a wrong namespace
}

} // namespace finwait::lab
