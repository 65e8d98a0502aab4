#include "daemon/line_splitter.hpp"

#include <utility>

namespace finwait::daemon {

void line_splitter::push(std::string_view bytes)
{
    for (;;) {
        const auto newline = bytes.find('\n');
        append(bytes.substr(0, newline));
        if (newline == std::string_view::npos)
            return;
        complete();
        bytes.remove_prefix(newline + 1);
    }
}

void line_splitter::finish()
{
    if (!begun_.empty() || too_long_)
        complete();
}

std::optional<input_line> line_splitter::next()
{
    if (ready_.empty())
        return std::nullopt;
    input_line line = std::move(ready_.front());
    ready_.pop_front();
    return line;
}

void line_splitter::append(std::string_view bytes)
{
    if (too_long_)
        return;
    if (begun_.size() + bytes.size() <= limit_) {
        begun_ += bytes;
        return;
    }
    too_long_ = true;
    begun_ = std::string(); // gives the memory back
}

void line_splitter::complete()
{
    ready_.push_back({.number = number_++, .text = std::move(begun_), .too_long = too_long_});
    begun_.clear();
    too_long_ = false;
}

} // namespace finwait::daemon
