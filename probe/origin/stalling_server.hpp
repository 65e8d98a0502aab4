// The server behind origin.hpp. What one connection does is in connection.hpp.
#pragma once

#include "probe/origin/connection.hpp"
#include "probe/origin/listener.hpp"
#include "probe/origin/waiters.hpp"

#include <cstdint>
#include <optional>
#include <unordered_map>

namespace finwait::origin {

/// Counts a coroutine among those that stop() waits for.
class presence
{
public:
    explicit presence(connection_host& host) : host_(host) { host_.enter(); }
    ~presence() { host_.leave(); }
    presence(const presence&) = delete;
    presence& operator=(const presence&) = delete;

private:
    connection_host& host_;
};

/// What tells the clients of one server apart: the end of the address, and the port.
std::uint64_t client_key(const endpoint& client);

class stalling_server final : public server, public connection_host
{
public:
    stalling_server(net::io_context& io, const script& how, std::shared_ptr<net::ssl::context> tls)
        : io_(io),
          acceptor_(io), shared_{how, goal_of(how), response_text(how.response), std::move(tls)}
    {
    }

    error_code open();

    endpoint address() const override { return where_; }
    const std::vector<seen_connection>& connections() const override { return seen_; }
    net::awaitable<result<std::size_t>> stall(std::chrono::steady_clock::duration limit) override;
    net::awaitable<void>
    let_go(after_action how, std::chrono::steady_clock::duration limit) override;
    std::size_t close_now() override;
    std::size_t reset_now() override;
    bool is_own(const endpoint& client) const override;
    int noticed(std::size_t index) override { return entries_.at(index).link->noticed(); }
    std::optional<traffic> traffic_on(std::size_t index) const override
    {
        return entries_.at(index).link->traffic_now();
    }
    bool has_descriptor(std::size_t index) const override
    {
        return entries_.at(index).link->is_open();
    }
    net::awaitable<result<std::size_t>>
    stall_of(const endpoint& client, std::chrono::steady_clock::duration limit) override;
    net::awaitable<void> let_go_one(
        std::size_t index, after_action how, std::chrono::steady_clock::duration limit
    ) override;
    std::size_t close_one(std::size_t index) override;
    std::size_t reset_one(std::size_t index) override;
    void forget(std::size_t index) override;
    net::awaitable<void> stop() override;

    seen_connection& seen(std::size_t index) override { return seen_[index]; }
    net::awaitable<error_code>
    answered(unsigned requests, std::chrono::steady_clock::duration limit) override;
    void on_arrival(std::function<void()> arrived) override { arrived_ = std::move(arrived); }
    void give_up_waiting() override;
    void become_healthy() override;

    void on_rest_blocked(std::size_t index) override { tell_stalled(index); }
    void on_answered(std::size_t index) override;
    void enter() override { ++active_; }
    void leave() override;

private:
    struct entry
    {
        std::unique_ptr<connection> link;
        bool walking = true;     ///< its walk is still running, perhaps blocked in a send
        bool answering = false;  ///< its answer is
        bool serving = false;    ///< it answers request after request
        bool forgotten = false;  ///< free for another connection once neither is
        std::uint64_t stall = 0; ///< its place in the order of stalls, from 1; 0: none yet
        bool told = false;       ///< `stall` or `stall_of` has given it
    };

    net::ip::tcp protocol() const
    {
        return where_.family == address_family::ipv4 ? net::ip::tcp::v4() : net::ip::tcp::v6();
    }

    net::awaitable<void> accept_all();
    void accept_waiting();
    void take_in(accepted one);
    void spawn_answer(std::size_t index);
    void spawn_serving(std::size_t index);
    /// Runs it beside the rest; `is_at_it` says so while it does.
    void spawn(std::size_t index, net::awaitable<error_code> work, bool entry::*is_at_it);
    void on_walked(std::size_t index, const error_code& error);
    void tell_stalled(std::size_t index);
    std::optional<result<std::size_t>> next_news();
    net::awaitable<void> wait_for_quiet(std::chrono::steady_clock::time_point deadline);
    void end_listening();
    template <class Action>
    std::size_t on_stalled(Action act);
    std::size_t free_slot();
    std::optional<result<std::size_t>> news_of(const endpoint& client);

    net::io_context& io_;
    net::ip::tcp::acceptor acceptor_;
    endpoint where_;
    std::vector<kernel::unique_fd> fillers_;
    setting shared_;

    std::vector<entry> entries_;
    std::vector<seen_connection> seen_;                        ///< as entries_
    std::vector<std::size_t> free_;                            ///< indices that were forgotten
    std::unordered_map<std::uint64_t, std::size_t> by_client_; ///< index by client_key()
    std::uint64_t stalls_ = 0;                                 ///< how many there were
    std::size_t on_their_way_ = 0; ///< connections that have neither stalled nor ended
    error_code ended_;             ///< of a connection, not yet told
    error_code accepting_;         ///< why nothing more is accepted
    bool ending_ = false;          ///< let go or stopped
    bool answering_ = false;
    std::function<void()> arrived_;
    bool given_up_ = false;  ///< nobody is left that could come
    bool healthy_ = false;   ///< new connections are served to the end
    std::size_t active_ = 0; ///< coroutines and handlers that refer to this
    waiters waiters_;
};

} // namespace finwait::origin
