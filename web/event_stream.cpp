#include "web/event_stream.hpp"

#include "web/answer.hpp"
#include "web/json/records.hpp"

#include <fmt/format.h>

#include <deque>

namespace finwait::web {

namespace {

using boost::system::error_code;

constexpr std::size_t most_ignored_bytes = 65536;
constexpr std::size_t longest_batch_bytes = 65536;
constexpr std::string_view comment = ":\n\n";
constexpr unsigned retry_ms = 2000;

/// What waits for one reader.
struct pending
{
    std::string audit;
    std::size_t most = 0;
    std::deque<event> events{};
    bool has_missed = false;

    bool is_wanted(const event& what) const { return audit.empty() || what.audit == audit; }

    /// Drops everything when there is more than the reader may have waiting.
    void add(const event& what)
    {
        if (!is_wanted(what))
            return;
        if (events.size() >= most) {
            events.clear();
            has_missed = true;
        }
        if (!has_missed)
            events.push_back(what);
    }

    bool is_empty() const { return events.empty() && !has_missed; }
};

/// Reads on while events go out, for nothing but to see the end.
void watch_for_end(const std::shared_ptr<connection>& c)
{
    const auto came = [c](const error_code& error, std::size_t bytes) {
        c->ignored_bytes += bytes;
        c->is_peer_gone = error || c->ignored_bytes > most_ignored_bytes;
        if (c->is_peer_gone)
            c->wake.cancel();
        else
            watch_for_end(c);
    };
    c->socket.async_read_some(net::buffer(c->ignored), came);
}

event resync(std::uint64_t newest)
{
    return {newest, "resync", "", std::make_shared<const std::string>(json::dump_resync(newest))};
}

/// The next bytes for the reader, and those events are not waiting any more.
std::string next_batch(pending& waiting, std::uint64_t newest)
{
    std::string text;
    if (waiting.has_missed)
        text = frame_of(resync(newest));
    waiting.has_missed = false;
    while (!waiting.events.empty() && text.size() < longest_batch_bytes) {
        text += frame_of(waiting.events.front());
        waiting.events.pop_front();
    }
    return text;
}

/// What the reader has missed since its last event, and from where it goes on.
void replay(pending& waiting, const event_log& log, const std::optional<std::uint64_t>& after)
{
    if (!after)
        return;
    const auto missed = log.after(*after);
    waiting.has_missed = !missed;
    if (missed)
        for (const auto& each : *missed)
            waiting.add(each);
}

/// Waits for events, a silence, or the reader's end.
net::awaitable<void> wait_for_events(connection& c)
{
    c.wake.expires_after(c.allowed().silence);
    auto [cancelled] = co_await c.wake.async_wait(use_tuple);
    (void)cancelled; // ignoring: whoever woke it has left word
}

/// Sends batch after batch.
net::awaitable<void> pump(connection& c, pending& waiting, const event_log& log)
{
    while (c.socket.is_open() && !c.is_peer_gone) {
        if (waiting.is_empty())
            co_await wait_for_events(c);
        auto text = next_batch(waiting, log.newest());
        if (!c.socket.is_open() || c.is_peer_gone)
            break;
        if (text.empty())
            text = comment;
        const net::const_buffer whole = net::buffer(text);
        const bool sent = co_await write_all(c, whole, net::const_buffer());
        if (!sent)
            break;
    }
}

} // namespace

std::string frame_of(const event& what)
{
    auto text = fmt::format("id: {}\nevent: {}\n", what.id, what.name);
    std::string_view data = what.data ? std::string_view(*what.data) : std::string_view();
    for (bool more = true; more;) {
        const auto end = std::min(data.find_first_of("\r\n"), data.size());
        more = end < data.size();
        fmt::format_to(std::back_inserter(text), "data: {}\n", data.substr(0, end));
        data.remove_prefix(std::min(end + 1, data.size()));
    }
    return text += '\n';
}

net::awaitable<void> send_events(connection& c, event_stream what)
{
    auto& log = c.shared->from.events();
    pending waiting{std::move(what.audit), c.allowed().stream_queue};
    // With an id and no data: a reader that is cut off before the first event knows where it was.
    const auto head =
        head_of_stream("text/event-stream") +
        fmt::format("retry: {}\nid: {}\n\n", retry_ms, what.after.value_or(log.newest()));
    replay(waiting, log, what.after);
    const event_log::listener told = [&](const event* each) {
        if (each && waiting.is_wanted(*each)) { // else the silence goes on
            waiting.add(*each);
            c.wake.cancel();
        }
    };
    const auto subscription = log.listen(told);
    c.is_peer_gone = false;
    c.ignored_bytes = 0;
    watch_for_end(c.shared_from_this());
    const net::const_buffer whole = net::buffer(head);
    const bool sent = co_await write_all(c, whole, net::const_buffer());
    if (sent)
        co_await pump(c, waiting, log);
    error_code ignored;
    c.socket.close(ignored);
}

} // namespace finwait::web
