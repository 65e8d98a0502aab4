// The client inside the worker.
#include "probe/actor.hpp"
#include "probe/client/address_check.hpp"
#include "probe/client/alone.hpp"
#include "probe/client/asio_endpoint.hpp"
#include "probe/kernel/holders.hpp"
#include "probe/kernel/socket_facts.hpp"
#include "probe/subject/child.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <algorithm>

#include <unistd.h>

namespace finwait {
namespace {

using boost::system::error_code;

/// How long a client waits for a peer that says nothing, once it is let go.
constexpr std::chrono::milliseconds own_deadline{20};

class inner_client final : public actor
{
public:
    inner_client(
        net::io_context& io,
        const plan& what,
        client::destination where,
        client::setup with,
        const std::vector<std::string>& program
    )
        : io_(io), program_(program),
          exchange_(io.get_executor(), what, std::move(where), std::move(with)),
          ended_(io.get_executor())
    {
        auto finished = [this](const std::exception_ptr& thrown) {
            note_end(thrown);
        };
        net::co_spawn(
            io, exchange_.go(), net::bind_cancellation_slot(signal_.slot(), std::move(finished))
        );
    }

    net::awaitable<result<stood_at>> stand(std::chrono::steady_clock::duration limit) override
    {
        const bool stands = co_await exchange_.standing().wait(limit);
        if (ended_.is_set())
            co_return result_;
        if (!stands)
            co_return error_code(net::error::timed_out);
        stood_at out;
        if (auto* const socket = exchange_.socket()) {
            const auto peer = client::from_asio(exchange_.peer());
            const auto id = kernel::identify(socket->native_handle(), peer);
            if (!id)
                co_return id.error();
            fd_ = socket->native_handle();
            cookie_ = id->cookie;
            out.id = *id;
        }
        co_return out;
    }

    std::optional<net::ip::address> refused_address() const override
    {
        if (!client::class_not_permitted(result_))
            return std::nullopt;
        return exchange_.peer().address();
    }

    void expose(kill::victim& out) override
    {
        out.socket = exchange_.socket();
        out.cancel = [this] {
            signal_.emit(net::cancellation_type::terminal);
            exchange_.cancel_lookup();
            exchange_.finish();
        };
        out.expire = [this] {
            exchange_.expire();
        };
        out.raise = [this] {
            exchange_.raise();
            signal_.emit(net::cancellation_type::terminal);
            exchange_.cancel_lookup();
        };
        out.forget = [this] {
            exchange_.finish();
        };
        out.ended = [this](std::chrono::steady_clock::duration limit) {
            return ended_with(limit);
        };
        out.hand_down = [this](int fd) {
            return hand_down(fd);
        };
    }

    bool has_descriptor() const override
    {
        // Descriptor numbers are used again, cookies are not. A descriptor that is closed once
        // does not come back.
        const auto cookie = fd_ < 0 ? result<std::uint64_t>(0U) : kernel::cookie_of(fd_);
        const bool has = cookie && *cookie != 0 && *cookie == cookie_;
        if (!has)
            fd_ = -1;
        return has || heir_has_it();
    }

    std::vector<std::int32_t> processes() const override
    {
        std::vector<std::int32_t> out{::getpid()};
        if (heir_)
            out.push_back(heir_->pid());
        return out;
    }

    net::awaitable<bool> let_go(kill_method by) override
    {
        if (by == kill_method::peer_silent)
            exchange_.let_go_with_deadline(own_deadline);
        else
            exchange_.let_go();
        co_return co_await ended_.wait(kill::patience);
    }

    std::optional<process_record> record() const override { return std::nullopt; }

    net::awaitable<void> end() override
    {
        exchange_.finish();
        if (auto* const socket = exchange_.socket()) {
            error_code ignored;
            socket->close(ignored); // ignoring: the descriptor is closed whatever close(2) says
        }
        signal_.emit(net::cancellation_type::terminal);
        exchange_.cancel_lookup();
        if (!ended_.is_set())
            co_await ended_.wait();
        heir_.reset();
    }

private:
    void note_end(const std::exception_ptr& thrown)
    {
        result_ = exchange_.ended_with();
        try {
            if (thrown)
                std::rethrow_exception(thrown);
        } catch (const client::interrupted&) {
            result_ = net::error::interrupted;
        } catch (const boost::system::system_error& failed) {
            result_ = failed.code();
        } catch (const std::exception&) {
            result_ = boost::system::errc::make_error_code(boost::system::errc::not_enough_memory);
        }
        ended_.set();
        exchange_.standing().set(); // whoever waits for it learns that it will not stand
    }

    net::awaitable<error_code> ended_with(std::chrono::steady_clock::duration limit)
    {
        const bool in_time = co_await ended_.wait(limit);
        co_return in_time ? result_ : error_code(net::error::timed_out);
    }

    bool heir_has_it() const
    {
        if (!heir_ || inherited_ == 0)
            return false;
        const auto open = kernel::socket_descriptors(heir_->pid());
        return open && std::ranges::any_of(*open, [this](const auto& one) {
                   return one.inode == inherited_;
               });
    }

    result<int> hand_down(int fd)
    {
        if (const auto inode = kernel::inode_of(fd))
            inherited_ = *inode;
        auto command = program_;
        for (auto& argument : client::hold_arguments())
            command.push_back(std::move(argument));
        auto born = subject::child::start(io_, std::move(command), fd);
        if (!born)
            return born.error();
        heir_ = std::move(*born);
        return heir_->pid();
    }

    net::io_context& io_;
    const std::vector<std::string>& program_;
    client::exchange exchange_;
    net::cancellation_signal signal_;
    event ended_;
    error_code result_;
    mutable int fd_ = -1; ///< -1 also once it was seen to be closed
    std::uint64_t cookie_ = 0;
    std::unique_ptr<subject::child> heir_;
    std::uint32_t inherited_ = 0; ///< the inode of what was handed down
};

} // namespace

std::unique_ptr<actor> make_inner_client(
    net::io_context& io,
    const plan& what,
    client::destination where,
    client::setup with,
    const std::vector<std::string>& program
)
{
    return std::make_unique<inner_client>(io, what, std::move(where), std::move(with), program);
}

} // namespace finwait
