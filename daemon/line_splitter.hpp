// Bytes into lines, none of them longer than permitted. No I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace finwait::daemon {

/// A line of input.
struct input_line
{
    std::uint64_t number = 0; ///< from 1
    std::string text;         ///< without its newline; empty when `too_long`
    bool too_long = false;    ///< it was longer than permitted, and its bytes are dropped

    friend bool operator==(const input_line&, const input_line&) = default;
};

/// Holds at most one line's worth of incomplete bytes.
class line_splitter
{
public:
    /// `limit_bytes`: of one line, its newline not counted.
    explicit line_splitter(std::size_t limit_bytes) : limit_(limit_bytes) {}

    /// Takes what was read.
    void push(std::string_view bytes);

    /// Takes the end of the input: an unfinished last line counts as a line.
    void finish();

    /// The next complete line, in order.
    std::optional<input_line> next();

private:
    void append(std::string_view bytes);
    void complete();

    std::size_t limit_;
    std::uint64_t number_ = 1;
    std::string begun_;
    bool too_long_ = false;
    std::deque<input_line> ready_;
};

} // namespace finwait::daemon
