#include "daemon/event_stream.hpp"

#include <utility>

namespace finwait::daemon {

std::optional<api_event> event_stream::next()
{
    while (auto one = line()) {
        if (!one->empty()) {
            take(*one);
            continue;
        }
        const bool is_event = std::exchange(has_data_, false);
        api_event done = now_;
        now_.name.clear();
        now_.data.clear();
        if (!is_event)
            continue;
        done.data.pop_back(); // the newline after the last line of data
        if (done.name.empty())
            done.name = "message";
        return done;
    }
    return std::nullopt;
}

// Lines end with LF, CRLF or CR; a CR at the very end may be half of a CRLF.
std::optional<std::string> event_stream::line()
{
    const auto end = pending_.find_first_of("\r\n", at_);
    if (end == std::string::npos || (pending_[end] == '\r' && end + 1 == pending_.size())) {
        pending_.erase(0, std::exchange(at_, 0));
        return std::nullopt;
    }
    std::string out = pending_.substr(at_, end - at_);
    at_ = end + (pending_.compare(end, 2, "\r\n") == 0 ? 2 : 1);
    return out;
}

void event_stream::take(std::string_view line)
{
    const auto colon = line.find(':');
    const auto field = line.substr(0, colon);
    auto value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' '))
        value.remove_prefix(1);
    if (field == "id") {
        now_.id = value;
    } else if (field == "event") {
        now_.name = value;
    } else if (field == "data") {
        now_.data += value;
        now_.data += '\n';
        has_data_ = true;
    }
}

} // namespace finwait::daemon
