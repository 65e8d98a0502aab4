#include "probe/origin/nameserver.hpp"

#include "probe/kernel/socket_address.hpp"
#include "probe/kernel/system_error.hpp"
#include "probe/kernel/unique_fd.hpp"
#include "probe/origin/dns.hpp"
#include "probe/origin/waiters.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/udp.hpp>

#include <array>
#include <deque>
#include <exception>

#include <sys/socket.h>

namespace finwait::origin {

namespace {

using kernel::last_error;
using kernel::socket_address;
using kernel::to_endpoint;
using kernel::to_socket_address;

using boost::system::error_code;
constexpr auto token = net::as_tuple(net::use_awaitable);

/// Beyond these the oldest are forgotten: a resolver repeats its queries.
constexpr std::size_t most_withheld = 1024;
constexpr std::size_t most_refused = 4096;

/// A query that waits for its answer.
struct withheld_query
{
    std::string packet;
    dns_question question;
    socket_address from;
};

/// What the serving coroutine and the nameserver share; lives as long as either.
struct serving
{
    explicit serving(net::io_context& io) : socket(io) {}

    void take_query();
    void answer(const withheld_query& query);
    bool is_refused(const std::string& asked) const;
    bool was_asked(const std::string& name) const;
    void refuse(const std::string& name);

    net::ip::udp::socket socket;
    endpoint where;
    std::deque<withheld_query> withheld;
    std::deque<std::string> refused;
    std::deque<std::string> asked_after_refusal;
    waiters waiting;
};

void serving::answer(const withheld_query& query)
{
    const auto text = nxdomain(query.packet, query.question);
    // ignoring: UDP promises nothing, the resolver asks again
    (void)::sendto(
        socket.native_handle(),
        text.data(),
        text.size(),
        MSG_DONTWAIT | MSG_NOSIGNAL,
        query.from.get(),
        query.from.size
    );
}

bool serving::is_refused(const std::string& asked) const
{
    return std::ranges::any_of(refused, [&](const auto& name) { return is_asked(asked, name); });
}

bool serving::was_asked(const std::string& name) const
{
    const auto asks_it = [&](const withheld_query& query) {
        return is_asked(query.question.name, name);
    };
    return std::ranges::any_of(withheld, asks_it) ||
           std::ranges::any_of(asked_after_refusal, [&](const auto& asked) {
               return is_asked(asked, name);
           });
}

void serving::take_query()
{
    std::array<char, 512> packet; // RFC 1035 4.2.1; a query of one question is far smaller
    withheld_query query;
    const auto got = ::recvfrom(
        socket.native_handle(),
        packet.data(),
        packet.size(),
        MSG_DONTWAIT,
        query.from.get(),
        &query.from.size
    );
    if (got <= 0)
        return;
    query.packet.assign(packet.data(), static_cast<std::size_t>(got));
    auto question = parse_query(query.packet);
    if (!question)
        return;
    query.question = std::move(*question);
    if (is_refused(query.question.name)) {
        answer(query);
        asked_after_refusal.push_back(query.question.name);
        if (asked_after_refusal.size() > most_withheld)
            asked_after_refusal.pop_front();
    } else {
        withheld.push_back(std::move(query));
        if (withheld.size() > most_withheld)
            withheld.pop_front();
    }
    waiting.wake_all();
}

void serving::refuse(const std::string& name)
{
    refused.push_back(name);
    if (refused.size() > most_refused)
        refused.pop_front();
    const auto answered =
        std::stable_partition(withheld.begin(), withheld.end(), [&](const withheld_query& query) {
            return !is_asked(query.question.name, name);
        });
    for (auto each = answered; each != withheld.end(); ++each) {
        answer(*each);
        asked_after_refusal.push_back(each->question.name);
    }
    withheld.erase(answered, withheld.end());
    while (asked_after_refusal.size() > most_withheld)
        asked_after_refusal.pop_front();
}

net::awaitable<void> serve(std::shared_ptr<serving> shared)
{
    for (;;) {
        auto [error] = co_await shared->socket.async_wait(net::ip::udp::socket::wait_read, token);
        if (error || !shared->socket.is_open())
            co_return;
        shared->take_query();
    }
}

net::awaitable<result<void>> wait_for_query(
    std::shared_ptr<serving> shared, std::string name, std::chrono::steady_clock::duration limit
)
{
    const auto deadline = std::chrono::steady_clock::now() + limit;
    for (;;) {
        if (shared->was_asked(name))
            co_return result<void>();
        if (!shared->socket.is_open())
            co_return error_code(net::error::operation_aborted);
        const auto why = co_await shared->waiting.wait_until(deadline);
        if (why == wake::woken || shared->was_asked(name))
            continue;
        co_return why == wake::expired ? error_code(net::error::timed_out)
                                       : error_code(net::error::operation_aborted);
    }
}

class withholding_nameserver final : public nameserver
{
public:
    explicit withholding_nameserver(std::shared_ptr<serving> shared) : shared_(std::move(shared)) {}
    withholding_nameserver(const withholding_nameserver&) = delete;
    withholding_nameserver& operator=(const withholding_nameserver&) = delete;
    ~withholding_nameserver() override
    {
        error_code ignored; // close(2) gives the descriptor back whatever it says
        shared_->socket.close(ignored);
        shared_->waiting.wake_all();
    }

    endpoint address() const override { return shared_->where; }
    net::awaitable<result<void>>
    queried(std::string name, std::chrono::steady_clock::duration limit) override
    {
        return wait_for_query(shared_, std::move(name), limit);
    }
    void refuse(const std::string& name) override { shared_->refuse(name); }

private:
    std::shared_ptr<serving> shared_;
};

/// A bound, non-blocking socket into `shared`, and its address.
error_code open_socket(serving& shared, const endpoint& address)
{
    const bool v4 = address.family == address_family::ipv4;
    kernel::unique_fd fd(
        ::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)
    );
    auto bound = to_socket_address(address);
    if (!fd || ::bind(fd.get(), bound.get(), bound.size) != 0)
        return last_error();
    bound.size = sizeof bound.storage;
    if (::getsockname(fd.get(), bound.get(), &bound.size) != 0)
        return last_error();
    shared.where = to_endpoint(bound);
    error_code error;
    shared.socket.assign(v4 ? net::ip::udp::v4() : net::ip::udp::v6(), fd.get(), error);
    if (!error)
        fd.release();
    return error;
}

} // namespace

result<std::unique_ptr<nameserver>> nameserver::start(net::io_context& io, const endpoint& address)
{
    auto shared = std::make_shared<serving>(io);
    if (const auto error = open_socket(*shared, address); error)
        return error;
    net::co_spawn(io, serve(shared), [](std::exception_ptr failed) {
        if (failed)
            std::rethrow_exception(failed);
    });
    std::unique_ptr<nameserver> started =
        std::make_unique<withholding_nameserver>(std::move(shared));
    return started;
}

} // namespace finwait::origin
