// Server-Sent Events as a reader takes them apart (HTML standard, 9.2.6 Interpreting an event
// stream). No I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace finwait::daemon {

/// An event of the daemon.
struct api_event
{
    std::string id;   ///< the last one given, also by an earlier event
    std::string name; ///< `message` when it was not said
    std::string data;

    friend bool operator==(const api_event&, const api_event&) = default;
};

/// Bytes in, events out.
class event_stream
{
public:
    void push(std::string_view bytes) { pending_ += bytes; }

    /// The next event that is complete; nullopt: more bytes are needed. Comments, `retry` and
    /// events without data are passed over.
    std::optional<api_event> next();

    /// Bytes of an unfinished line or event.
    std::size_t unfinished_bytes() const { return pending_.size() - at_ + now_.data.size(); }

private:
    std::optional<std::string> line();
    void take(std::string_view line);

    std::string pending_;
    std::size_t at_ = 0; ///< what of `pending_` is taken
    api_event now_;
    bool has_data_ = false;
};

} // namespace finwait::daemon
