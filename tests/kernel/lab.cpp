// The lab: namespaces where the machine permits them, the host with reason and cure where not.
// Every case runs in a child of its own, since nobody leaves a user namespace.
#include "tests/support/child_process.hpp"
#include "tests/support/socket_pair.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace finwait;
using namespace finwait::test;

namespace {

std::string joined(const std::vector<std::string>& words)
{
    std::string text;
    for (const auto& one : words)
        text += (text.empty() ? "" : " ") + one;
    return text;
}

/// An environment in one line: `lab=namespace observers=… not_run=sock_destroy,resolve`.
std::string in_words(const environment& facts)
{
    std::string text = "lab=" + std::string(word(facts.lab));
    text += " observers=" + joined(facts.observers) + " not_run=";
    for (const auto& entry : facts.not_run)
        text += entry.what + ",";
    return text;
}

bool has(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

ino_t network_inode()
{
    struct stat status
    {
    };
    must(stat("/proc/thread-self/ns/net", &status) == 0, "stat");
    return status.st_ino;
}

bool write_setting(const char* path, std::string_view value)
{
    const unique_fd file(open(path, O_WRONLY | O_CLOEXEC));
    return file && write(file.get(), value.data(), value.size()) > 0;
}

/// Enters a user namespace in which no further namespaces of that kind can be made. The machine's
/// own setting stays as it is.
void forbid(const char* setting)
{
    const std::string user = std::to_string(geteuid());
    const std::string group = std::to_string(getegid());
    must(unshare(CLONE_NEWUSER) == 0, "unshare");
    must(write_setting("/proc/self/setgroups", "deny"), "setgroups");
    must(write_setting("/proc/self/uid_map", user + " " + user + " 1"), "uid_map");
    must(write_setting("/proc/self/gid_map", group + " " + group + " 1"), "gid_map");
    must(write_setting(setting, "0"), setting);
}

/// Whether this machine lets an unprivileged process make a lab at all; cases that need it skip.
bool namespaces_are_permitted()
{
    static const bool permitted =
        answer_of_child([] {
            drop_rights();
            return std::string(unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? "yes" : "no");
        }) == "yes";
    return permitted;
}

std::string both_observers = "observers=sock_diag destroy_events";

} // namespace

TEST_SUITE("kernel/lab")
{
    TEST_CASE("without any right, it is a user and a network namespace of its own")
    {
        if (!namespaces_are_permitted()) {
            MESSAGE("SKIP: this machine refuses user namespaces");
            return;
        }
        const std::string told = answer_of_child([] {
            drop_rights();
            const uid_t user = geteuid();
            const gid_t group = getegid();
            const ino_t host = network_inode();
            const auto here = lab::place::enter(lab::wanted::namespaces);
            const auto& facts = here.environment();
            std::string text = in_words(facts);
            text += network_inode() != host ? " own-network" : " host-network";
            text += geteuid() == user && getegid() == group ? " same-ids" : " other-ids";
            text += " " + joined(facts.capabilities);
            text += " fin_timeout=" + facts.sysctls.at("tcp_fin_timeout");
            text += facts.kernel.empty() ? "" : " kernel";
            return text;
        });
        CHECK_MESSAGE(told.starts_with("lab=namespace " + both_observers + " not_run= "), told);
        CHECK(has(told, " own-network same-ids "));
        CHECK(has(told, "CAP_NET_ADMIN"));
        CHECK(has(told, "CAP_SYS_PTRACE"));
        CHECK(has(told, " fin_timeout=60 kernel"));
    }

    TEST_CASE("with CAP_SYS_ADMIN no user namespace is needed")
    {
        if (geteuid() != 0) {
            MESSAGE("SKIP: not root");
            return;
        }
        const std::string told = answer_of_child([] {
            struct stat before
            {
            };
            struct stat after
            {
            };
            must(stat("/proc/self/ns/user", &before) == 0, "stat");
            const auto here = lab::place::enter(lab::wanted::namespaces);
            must(stat("/proc/self/ns/user", &after) == 0, "stat");
            return in_words(here.environment()) +
                   (before.st_ino == after.st_ino ? " same-user-namespace" : " other");
        });
        CHECK(has(told, "lab=namespace"));
        CHECK(has(told, " same-user-namespace"));
    }

    TEST_CASE("where namespaces are refused, it is the host, with reason and cure")
    {
        if (!namespaces_are_permitted()) {
            MESSAGE("SKIP: this machine refuses user namespaces");
            return;
        }
        const char* setting = nullptr;
        std::string refused;
        SUBCASE("no user namespaces")
        {
            setting = "/proc/sys/user/max_user_namespaces";
            refused = "a user namespace";
        }
        SUBCASE("no network namespaces")
        {
            setting = "/proc/sys/user/max_net_namespaces";
            refused = "a user namespace"; // both are asked for in one call
        }
        // Of a user namespace that does not own the network, as with PrivateUsers=yes in a unit.
        bool with_capabilities = false;
        SUBCASE("no network namespaces, and capabilities that count for nothing")
        {
            setting = "/proc/sys/user/max_net_namespaces";
            refused = "a user namespace";
            with_capabilities = true;
        }
        const std::string told = answer_of_child([&] {
            drop_rights();
            forbid(setting);
            if (!with_capabilities)
                drop_rights();
            const ino_t host = network_inode();
            const auto here = lab::place::enter(lab::wanted::namespaces);
            std::string text = in_words(here.environment()) + "; ";
            for (const auto& entry : here.environment().not_run)
                text += entry.reason + " / " + entry.cure + "; ";
            text += network_inode() == host ? "host-network" : "own-network";
            text += " capabilities=" + joined(here.environment().capabilities);
            const auto shared = here.make_namespace();
            text += shared && !*shared ? " shared" : " made";
            const lab::inside nothing(*shared, here);
            text += network_inode() == host ? " still" : " moved";
            return text;
        });
        CAPTURE(told);
        CHECK(told.starts_with("lab=host " + both_observers + " not_run=sock_destroy,resolve,; "));
        CHECK(has(told, refused));
        CHECK(has(told, "ENOSPC"));
        CHECK(has(told, "EPERM")); // of SOCK_DESTROY
        CHECK(has(told, "sysctl user.max_"));
        CHECK(has(told, "; host-network capabilities= shared still"));
    }

    TEST_CASE("the host is the host when it is asked for")
    {
        const std::string told = answer_of_child([] {
            const ino_t host = network_inode();
            const auto here = lab::place::enter(lab::wanted::host);
            return in_words(here.environment()) +
                   (network_inode() == host ? " host-network" : " own-network");
        });
        CHECK(told.starts_with("lab=host "));
        CHECK(has(told, "resolve,"));
        CHECK(has(told, "host-network"));
    }

    TEST_CASE("two namespaces share nothing, and leaving one leads home")
    {
        const auto& here = the_lab();
        const ino_t home = network_inode();
        const auto first = must(here.make_namespace(), "make_namespace");
        const auto second = must(here.make_namespace(), "make_namespace");
        CHECK(network_inode() == home);
        endpoint port = loopback(address_family::ipv4, 4711);
        {
            const lab::inside in(first, here);
            CHECK(network_inode() != home);
            const listener at = listen_at(port);
            CHECK(kernel::try_bind(port) == EADDRINUSE);
            CHECK(kernel::set_sysctl("tcp_fin_timeout", "7").has_value());
            CHECK(kernel::tcp_sysctls().at("tcp_fin_timeout") == "7");
        }
        CHECK(network_inode() == home);
        {
            const lab::inside in(second, here);
            CHECK(kernel::try_bind(port) == 0);
            CHECK(kernel::try_bind(loopback(address_family::ipv6, 4711)) == 0);
            CHECK(kernel::tcp_sysctls().at("tcp_fin_timeout") == "60");
            CHECK(fcntl(second.fd(), F_GETFD) == FD_CLOEXEC);
        }
    }

    TEST_CASE("counters are those of the namespace they were opened in")
    {
        network quiet;
        CHECK(quiet.counted("ActiveOpens") == 0);
        {
            // Opened later and inside: its traffic counts there alone.
            const std::string told = answer_of_child([] {
                network busy;
                socket_pair pair;
                return std::to_string(busy.counted("ActiveOpens"));
            });
            CHECK(told == "1");
        }
        CHECK(quiet.counted("ActiveOpens") == 0);
        socket_pair pair;
        CHECK(quiet.counted("ActiveOpens") == 1);
    }

    TEST_CASE("an address can be put on the loopback, twice as well as once")
    {
        network net;
        endpoint where;
        REQUIRE(parse_endpoint("10.7.0.53:53", where));
        SUBCASE("IPv4") {}
        SUBCASE("IPv6")
        {
            REQUIRE(parse_endpoint("[fd00::53]:53", where));
        }
        CHECK(kernel::try_bind(where) == EADDRNOTAVAIL);
        CHECK(lab::place::add_loopback_address(where).has_value());
        CHECK(lab::place::add_loopback_address(where).has_value());
        CHECK(kernel::try_bind(where) == 0);
        const socket_pair pair(where);
        CHECK(net.state(pair.client.id) == "ESTABLISHED owned");
        CHECK(pair.server.id.local == where);
    }

    TEST_CASE("addresses of 127/8 are there already, impossible ones are refused")
    {
        network net;
        endpoint where;
        REQUIRE(parse_endpoint("127.0.0.53:53", where));
        CHECK(lab::place::add_loopback_address(where).has_value());
        CHECK(kernel::try_bind(where) == 0);
        REQUIRE(parse_endpoint("[ff02::1]:53", where));
        CHECK(lab::place::add_loopback_address(where).has_error());
    }

    TEST_CASE("settings: what is not there, not settable or no setting is an error")
    {
        network net;
        CHECK(kernel::set_sysctl("tcp_no_such_setting", "1").error().value() == ENOENT);
        CHECK(kernel::set_sysctl("tcp_fin_timeout", "soon").error().value() == EINVAL);
        CHECK(kernel::set_sysctl("../../kernel/hostname", "x").error().value() == EINVAL);
        CHECK(kernel::set_sysctl("", "x").error().value() == EINVAL);
        const auto all = kernel::tcp_sysctls();
        for (const char* name : {"tcp_orphan_retries", "tcp_max_tw_buckets", "tcp_tw_reuse"})
            CHECK_MESSAGE(all.count(name) == 1, name);
        CHECK(all.at("tcp_fin_timeout") == "60");
    }

    TEST_CASE("without descriptors no namespace is made, and the thread stays at home")
    {
        const auto& here = the_lab();
        const ino_t home = network_inode();
        rlimit before{};
        must(getrlimit(RLIMIT_NOFILE, &before) == 0, "getrlimit");
        const unique_fd probe(open("/dev/null", O_RDONLY | O_CLOEXEC));
        const rlimit none{static_cast<rlim_t>(probe.get()), before.rlim_max};
        must(setrlimit(RLIMIT_NOFILE, &none) == 0, "setrlimit");
        const auto made = here.make_namespace();
        const auto diag = kernel::sock_diag::open();
        must(setrlimit(RLIMIT_NOFILE, &before) == 0, "setrlimit");
        REQUIRE(made.has_error());
        CHECK(made.error().value() == EMFILE);
        REQUIRE(diag.has_error());
        CHECK(diag.error().value() == EMFILE);
        CHECK(network_inode() == home);
    }
}
