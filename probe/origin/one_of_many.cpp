// One connection of a server that many probes share.
#include "probe/origin/stalling_server.hpp"

namespace finwait::origin {

std::uint64_t client_key(const endpoint& client)
{
    const auto first = client.family == address_family::ipv4 ? 0U : 10U;
    std::uint64_t key = client.port;
    for (auto i = first; i < first + 4; ++i)
        key = key << 8 | client.address[i];
    return key;
}

std::size_t stalling_server::free_slot()
{
    if (free_.empty()) {
        seen_.emplace_back();
        entries_.emplace_back();
        return entries_.size() - 1;
    }
    const auto index = free_.back();
    free_.pop_back();
    return index;
}

std::optional<result<std::size_t>> stalling_server::news_of(const endpoint& client)
{
    if (const auto found = by_client_.find(client_key(client)); found != by_client_.end()) {
        auto& one = entries_[found->second];
        if (one.stall != 0) {
            one.told = true;
            return found->second;
        }
        if (!one.walking)
            return seen_[found->second].error;
    }
    if (ending_)
        return error_code(net::error::operation_aborted);
    if (accepting_)
        return accepting_;
    return std::nullopt;
}

net::awaitable<result<std::size_t>>
stalling_server::stall_of(const endpoint& client, std::chrono::steady_clock::duration limit)
{
    if (auto news = news_of(client))
        co_return *news;
    const presence here(*this);
    const auto deadline = std::chrono::steady_clock::now() + limit;
    for (;;) {
        const auto why = co_await waiters_.wait_until(deadline, client_key(client));
        if (auto news = news_of(client))
            co_return *news;
        if (why == wake::woken)
            continue;
        // Nobody will ask for it again.
        if (const auto found = by_client_.find(client_key(client)); found != by_client_.end())
            forget(found->second);
        co_return error_code(
            why == wake::expired ? net::error::timed_out : net::error::operation_aborted
        );
    }
}

net::awaitable<void> stalling_server::let_go_one(
    std::size_t index, after_action how, std::chrono::steady_clock::duration limit
)
{
    if (how == after_action::answer) {
        const auto deadline = std::chrono::steady_clock::now() + limit;
        spawn_answer(index);
        while (entries_[index].answering) {
            const auto why = co_await waiters_.wait_until(deadline);
            if (why == wake::expired)
                break;
        }
    }
    if (how == after_action::reset)
        entries_[index].link->reset();
    else if (how != after_action::stall)
        entries_[index].link->close();
}

std::size_t stalling_server::close_one(std::size_t index)
{
    if (!seen_[index].stalled || !entries_[index].link->is_open())
        return 0;
    entries_[index].link->close();
    return 1;
}

std::size_t stalling_server::reset_one(std::size_t index)
{
    if (!seen_[index].stalled || !entries_[index].link->is_open())
        return 0;
    entries_[index].link->reset();
    return 1;
}

void stalling_server::forget(std::size_t index)
{
    auto& one = entries_[index];
    one.forgotten = true;
    one.link->close();
    if (one.walking || one.answering || one.serving)
        return; // on_walked or the answer's end comes back here
    const auto known = by_client_.find(client_key(seen_[index].id.peer));
    if (known != by_client_.end() && known->second == index)
        by_client_.erase(known);
    one = entry{};
    seen_[index] = {};
    free_.push_back(index);
}

} // namespace finwait::origin
