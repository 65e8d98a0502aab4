#include "probe/kernel/sock_diag.hpp"

#include "probe/kernel/diag_message.hpp"
#include "probe/kernel/netlink.hpp"
#include "probe/kernel/system_error.hpp"

#include <algorithm>
#include <array>
#include <bitset>

#include <sys/socket.h>

namespace finwait::kernel {

namespace {

/// An answer is 92 (no such socket) to about 200 bytes (a socket with all its attributes).
constexpr std::size_t answer_bytes = 2048;

/// Room for 408 answers where net.core.rmem_max has its default.
constexpr int buffer_bytes = 256 * 1024;

/// Questions per datagram. What batching saves is the send(2) of each; beyond 64 nothing is gained.
constexpr std::size_t batch_limit = 64;

/// Answers taken per system call.
constexpr std::size_t receive_limit = 4;

/// How often a question is put again after an overrun before it counts as a failure.
constexpr int attempts = 3;

using answer_buffer = std::array<std::byte, answer_bytes>;

std::span<const std::byte> bytes_of(std::span<const diag_request> requests)
{
    return std::as_bytes(requests);
}

} // namespace

struct sock_diag::impl
{
    netlink_socket socket;
    std::uint32_t sequence = 0;

    /// The next answer that is there. Errors: those of netlink_socket::receive().
    result<diag_answer> next_answer();

    /// As many of the next answers as fit. Errors: as next_answer().
    result<std::size_t> next_answers(std::span<diag_answer> into);

    /// One request and its answer.
    ///
    /// By send(2) and recv(2) on libnl's descriptor rather than nl_recvmsgs(): measured 1.0-1.5 us
    /// against 2.1-2.4 us, since nl_recvmsgs() allocates a page and a message for every answer.
    result<diag_answer> ask(diag_verb what, const socket_id& which);

    /// Asks at once for those of `which` that `open` says, as many as the socket can take, and
    /// takes those answered out of it. At most batch_limit.
    result<void> ask_several(
        std::span<const socket_id> which,
        std::bitset<batch_limit>& open,
        std::span<std::optional<socket_view>> found
    );

    /// At most batch_limit, each until it is answered.
    result<void>
    ask_all(std::span<const socket_id> which, std::span<std::optional<socket_view>> found);
};

namespace {

/// What an answer says of the socket asked for.
result<std::optional<socket_view>> judged(const diag_answer& answer, const socket_id& which)
{
    if (answer.error == ENOENT)
        return std::optional<socket_view>();
    if (answer.error != 0)
        return errno_code(answer.error);
    if (!answer.socket)
        return errno_code(EBADMSG);
    const socket_view view = to_view(*answer.socket);
    return answers(view, which) ? std::optional(view) : std::nullopt;
}

} // namespace

result<diag_answer> sock_diag::impl::next_answer()
{
    alignas(nlmsghdr) answer_buffer buffer;
    for (;;) {
        const auto size = socket.receive(buffer);
        if (!size)
            return size.error();
        if (auto answer = parse_answer(std::span(buffer).first(*size)))
            return *answer;
    }
}

result<std::size_t> sock_diag::impl::next_answers(std::span<diag_answer> into)
{
    alignas(nlmsghdr) std::array<answer_buffer, receive_limit> buffers;
    std::array<iovec, receive_limit> where;
    std::array<mmsghdr, receive_limit> datagrams{};
    const std::size_t most = std::min(into.size(), receive_limit);
    for (std::size_t i = 0; i < most; ++i) {
        where[i] = {buffers[i].data(), buffers[i].size()};
        datagrams[i].msg_hdr.msg_iov = &where[i];
        datagrams[i].msg_hdr.msg_iovlen = 1;
    }
    const int got = ::recvmmsg(
        socket.fd(), datagrams.data(), static_cast<unsigned>(most), MSG_DONTWAIT, nullptr
    );
    if (got < 0)
        return last_error();
    std::size_t count = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
        if ((datagrams[i].msg_hdr.msg_flags & MSG_TRUNC) != 0)
            return errno_code(EMSGSIZE);
        if (auto answer = parse_answer(std::span(buffers[i]).first(datagrams[i].msg_len)))
            into[count++] = *answer;
    }
    return count;
}

result<diag_answer> sock_diag::impl::ask(diag_verb what, const socket_id& which)
{
    for (int attempt = 1;; ++attempt) {
        const std::uint32_t expected = ++sequence;
        const diag_request request = make_request(what, which, expected);
        if (auto sent = socket.send(bytes_of({&request, 1})); !sent)
            return sent.error();
        for (;;) {
            auto answer = next_answer();
            if (!answer && answer.error() == errno_code(ENOBUFS) && attempt < attempts)
                break; // the answer may be among those that were dropped
            if (!answer || answer->sequence == expected)
                return answer;
            // An answer to a question that was given up: not ours.
        }
    }
}

result<void> sock_diag::impl::ask_several(
    std::span<const socket_id> which,
    std::bitset<batch_limit>& open,
    std::span<std::optional<socket_view>> found
)
{
    std::array<diag_request, batch_limit> requests;
    std::array<std::size_t, batch_limit> asked; // requests[i] is about which[asked[i]]
    const std::uint32_t first = sequence + 1;
    const std::size_t most = std::min(which.size(), socket.capacity());
    std::size_t count = 0;
    for (std::size_t i = 0; i < which.size() && count < most; ++i) {
        if (!open[i])
            continue;
        asked[count] = i;
        requests[count++] = make_request(diag_verb::look_up, which[i], ++sequence);
    }
    if (auto sent = socket.send(bytes_of(std::span(requests).first(count))); !sent)
        return sent.error();

    std::array<diag_answer, receive_limit> answers;
    for (std::size_t missing = count; missing > 0;) {
        const auto got = next_answers(std::span(answers).first(std::min(missing, receive_limit)));
        if (!got && got.error() == errno_code(ENOBUFS))
            continue; // said once; what did fit is still to be received
        if (!got && got.error() == errno_code(EAGAIN))
            break; // the kernel answers inside send(2): what is not here was dropped
        if (!got)
            return got.error();
        for (const diag_answer& answer : std::span(answers).first(*got)) {
            const std::uint32_t place = answer.sequence - first;
            if (place >= count || !open[asked[place]])
                continue;
            auto view = judged(answer, which[asked[place]]);
            if (!view)
                return view.error();
            found[asked[place]] = *view;
            open.reset(asked[place]);
            --missing;
        }
    }
    return {};
}

result<void> sock_diag::impl::ask_all(
    std::span<const socket_id> which, std::span<std::optional<socket_view>> found
)
{
    std::bitset<batch_limit> open;
    for (std::size_t i = 0; i < which.size(); ++i)
        open.set(i);
    for (int without_progress = 0; open.any();) {
        const std::size_t before = open.count();
        if (auto asked = ask_several(which, open, found); !asked)
            return asked.error();
        without_progress = open.count() < before ? 0 : without_progress + 1;
        if (without_progress == attempts)
            return errno_code(ENOBUFS);
    }
    return {};
}

sock_diag::sock_diag(std::unique_ptr<impl> opened) : impl_(std::move(opened)) {}
sock_diag::sock_diag(sock_diag&&) noexcept = default;
sock_diag& sock_diag::operator=(sock_diag&&) noexcept = default;
sock_diag::~sock_diag() = default;

result<sock_diag> sock_diag::open()
{
    auto socket = netlink_socket::open(NETLINK_SOCK_DIAG, buffer_bytes);
    if (!socket)
        return socket.error();
    return sock_diag(std::make_unique<impl>(impl{std::move(*socket)}));
}

result<std::optional<socket_view>> sock_diag::look_up(const socket_id& which)
{
    const auto answer = impl_->ask(diag_verb::look_up, which);
    if (!answer)
        return answer.error();
    return judged(*answer, which);
}

result<void>
sock_diag::look_up(std::span<const socket_id> which, std::span<std::optional<socket_view>> found)
{
    for (std::size_t from = 0; from < which.size(); from += batch_limit) {
        const std::size_t count = std::min(batch_limit, which.size() - from);
        if (auto asked = impl_->ask_all(which.subspan(from, count), found.subspan(from, count));
            !asked)
            return asked.error();
    }
    return {};
}

result<std::vector<std::optional<socket_view>>> sock_diag::look_up(std::span<const socket_id> which)
{
    std::vector<std::optional<socket_view>> found(which.size());
    if (auto asked = look_up(which, found); !asked)
        return asked.error();
    return found;
}

result<void> sock_diag::destroy(const socket_id& which)
{
    if (which.cookie == 0)
        return make_error_code(boost::system::errc::invalid_argument);
    const auto answer = impl_->ask(diag_verb::destroy, which);
    if (!answer)
        return answer.error();
    if (answer->error != 0)
        return errno_code(answer->error);
    return {};
}

result<absence> why_absent(sock_diag& kernel, const socket_id& which)
{
    socket_id any_owner = which;
    any_owner.cookie = 0;
    const auto found = kernel.look_up(any_owner);
    if (!found)
        return found.error();
    const bool other = found->has_value() && (*found)->cookie != which.cookie;
    return other ? absence::tuple_reused : absence::gone;
}

} // namespace finwait::kernel
