// Who has a socket open, and the descriptors that no socket listing shows.
#include "probe/kernel/holders.hpp"

#include "probe/kernel/listing.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/socket_pair.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include <sys/prctl.h>

using namespace finwait;
using namespace finwait::test;

namespace {

/// Sends a descriptor through a Unix socket, where it stays until somebody receives it. unix(7)
void put_in_flight(int through, int fd)
{
    char byte = 'x';
    iovec data{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
    must(sendmsg(through, &message, MSG_NOSIGNAL) == 1, "sendmsg");
}

const kernel::socket_descriptor*
descriptor(const std::vector<kernel::socket_descriptor>& all, int fd)
{
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.fd == fd; });
    return found == all.end() ? nullptr : &*found;
}

} // namespace

TEST_SUITE("kernel/holders")
{
    TEST_CASE("our own descriptors are found, each of them")
    {
        network net;
        socket_pair pair;
        const unique_fd copy(fcntl(pair.client.fd.get(), F_DUPFD_CLOEXEC, 0));
        const auto found = kernel::find_holders(pair.client.inode);
        REQUIRE(found.holders.size() == 2);
        CHECK(found.holders[0].pid == getpid());
        CHECK(found.holders[0].fd == std::min(pair.client.fd.get(), copy.get()));
        CHECK(found.holders[1].fd == std::max(pair.client.fd.get(), copy.get()));
        CHECK(found.holders[0].command == kernel::command_of(getpid()));
        CHECK(found.holders[0].command.find("kernel_rules") != std::string::npos);

        // Closing one of two is no close at all.
        pair.client.close();
        CHECK(net.state(pair.client.id) == "ESTABLISHED owned");
        CHECK(kernel::find_holders(pair.client.inode).holders.size() == 1);
    }

    TEST_CASE("rule 25: an inherited descriptor keeps the connection, and its holder is named")
    {
        network net;
        socket_pair pair;
        child_process heir;
        pair.client.close();
        CHECK(net.state(pair.client.id) == "ESTABLISHED owned");
        CHECK(net.state(pair.server.id) == "ESTABLISHED owned");
        const auto found = kernel::find_holders(pair.client.inode);
        REQUIRE(found.holders.size() == 1);
        CHECK(found.holders[0].pid == heir.pid());
        const std::int32_t pids[] = {heir.pid(), getpid(), heir.pid()};
        CHECK(kernel::find_holders(pair.client.inode, pids).holders == found.holders);
        const std::int32_t others[] = {getpid()};
        CHECK(kernel::find_holders(pair.client.inode, others).holders.empty());
        // The heir also has the server's end and must not outlive it: killed, not asked.
        const std::int32_t gone = heir.pid();
        heir.kill();
        CHECK(net.becomes(pair.client.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
        const std::int32_t late[] = {gone};
        CHECK(kernel::find_holders(pair.client.inode, late).holders.empty());
        CHECK(kernel::find_holders(pair.client.inode, late).hidden_processes == 0);
    }

    TEST_CASE("rule 26: a descriptor in flight holds its connection, and no process shows it")
    {
        network net;
        socket_pair pair;
        int ends[2] = {-1, -1};
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        const unique_fd sender(ends[0]);
        unique_fd receiver(ends[1]);
        put_in_flight(sender.get(), pair.client.fd.get());
        pair.client.close();
        CHECK(net.state(pair.client.id) == "ESTABLISHED owned");
        CHECK(net.see(pair.client.id)->inode == pair.client.inode);
        CHECK(kernel::find_holders(pair.client.inode).holders.empty());
        receiver.reset(); // dropped with what it had not received
        CHECK(net.becomes(pair.client.id, "FIN_WAIT2 minisock") == "FIN_WAIT2 minisock");
    }

    TEST_CASE("a zombie descriptor is in no list, but among its process's descriptors")
    {
        network net;
        socket_pair pair;
        linger_zero(pair.server.fd);
        pair.server.close();
        CHECK(net.becomes(pair.client.id, "CLOSE") == "CLOSE");
        const auto all = must(kernel::socket_descriptors(getpid()), "socket_descriptors");
        const auto* const zombie = descriptor(all, pair.client.fd.get());
        REQUIRE(zombie != nullptr);
        CHECK(zombie->inode == pair.client.inode);
        CHECK(zombie->protocol == "TCP");
        CHECK(kernel::find_holders(pair.client.inode).holders.size() == 1);
    }

    TEST_CASE("a listener is in the listing that is to have it, and a socket in CLOSE in none")
    {
        network net;
        socket_pair pair;
        const unique_fd listener = make_socket(address_family::ipv4);
        REQUIRE(::listen(listener.get(), 1) == 0);
        const unique_fd idle = make_socket(address_family::ipv4);
        const auto fds = must(kernel::socket_descriptors(getpid()), "socket_descriptors");
        const auto is_in = [&](kernel::listeners wanted, int fd) {
            const auto* const known = descriptor(fds, fd);
            REQUIRE(known != nullptr);
            return std::ranges::any_of(
                must(kernel::list_tcp_sockets(wanted), "list_tcp_sockets"),
                [&](const auto& each) { return each.inode == known->inode; }
            );
        };
        CHECK(is_in(kernel::listeners::included, listener.get()));
        CHECK_FALSE(is_in(kernel::listeners::left_out, listener.get()));
        for (const auto wanted : {kernel::listeners::included, kernel::listeners::left_out}) {
            CHECK(is_in(wanted, pair.client.fd.get()));
            CHECK_FALSE(is_in(wanted, idle.get()));
        }
    }

    TEST_CASE("descriptors are told apart by their protocol")
    {
        network net;
        const unique_fd v6 = make_socket(address_family::ipv6);
        const unique_fd udp(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        const unique_fd local(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const unique_fd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
        const auto all = must(kernel::socket_descriptors(getpid()), "socket_descriptors");
        REQUIRE(descriptor(all, v6.get()) != nullptr);
        CHECK(descriptor(all, v6.get())->protocol == "TCPv6");
        REQUIRE(descriptor(all, udp.get()) != nullptr);
        CHECK(descriptor(all, udp.get())->protocol == "UDP");
        REQUIRE(descriptor(all, local.get()) != nullptr);
        CHECK(descriptor(all, local.get())->protocol.starts_with("UNIX"));
        CHECK(descriptor(all, file.get()) == nullptr);
        CHECK(std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) {
            return a.fd < b.fd;
        }));
    }

    TEST_CASE("a process that ended has no descriptors")
    {
        the_lab();
        child_process child;
        const std::int32_t pid = child.pid();
        CHECK(kernel::socket_descriptors(pid).has_value());
        CHECK_FALSE(kernel::command_of(pid).empty());
        child.kill();
        CHECK(kernel::socket_descriptors(pid).error().value() == ENOENT);
        CHECK(kernel::command_of(pid).empty());
    }

    TEST_CASE("the pending error of another process's descriptor, once")
    {
        network net;
        socket_pair pair;
        child_process heir;
        const int fd = pair.client.fd.get();
        pair.client.close();
        linger_zero(pair.server.fd);
        // Closing our copy of the server's end does nothing while the heir has one: destroyed.
        CHECK(net.diag.destroy(pair.server.id).has_value());
        CHECK(net.becomes(pair.client.id, "CLOSE") == "CLOSE");
        CHECK(must(kernel::pending_error(heir.pid(), fd), "pending_error") == ECONNRESET);
        CHECK(must(kernel::pending_error(heir.pid(), fd), "pending_error") == 0);
        CHECK(kernel::pending_error(heir.pid(), 1000).error().value() == EBADF);
        heir.kill();
        CHECK(kernel::pending_error(heir.pid(), fd).error().value() == ESRCH);
    }

    TEST_CASE("another user's processes are counted as hidden, not as free of descriptors")
    {
        network net;
        socket_pair pair;
        // Not dumpable: /proc/PID/fd is then root's, proc(5).
        child_process secretive([] { must(prctl(PR_SET_DUMPABLE, 0) == 0, "prctl"); });
        const std::int32_t pids[] = {secretive.pid()};
        const std::string told = answer_of_child([&] {
            drop_rights();
            const auto seen = kernel::find_holders(pair.client.inode, pids);
            return std::to_string(seen.hidden_processes) + " hidden, " +
                   std::to_string(seen.holders.size()) + " seen, " +
                   std::to_string(kernel::socket_descriptors(secretive.pid()).error().value());
        });
        CHECK(told == "1 hidden, 0 seen, " + std::to_string(EACCES));
    }
}
