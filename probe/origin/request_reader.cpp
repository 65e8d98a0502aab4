#include "probe/origin/request_reader.hpp"

#include <algorithm>
#include <charconv>

namespace finwait::origin {

namespace {

constexpr char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whether `text` is `word` in any case; `word` is lower case.
bool is_word(std::string_view text, std::string_view word)
{
    return std::ranges::equal(text, word, {}, lower);
}

std::string_view trimmed(std::string_view text)
{
    const auto from = text.find_first_not_of(" \t");
    if (from == text.npos)
        return {};
    return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

/// A whole number of nothing but digits; nullopt when it is anything else or too large.
std::optional<std::uint64_t> number(std::string_view text, int base)
{
    std::uint64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value, base);
    if (error != std::errc{} || stopped != end || text.empty())
        return std::nullopt;
    return value;
}

/// Octets that no line of a request may hold: controls but HTAB (RFC 9110 5.5).
bool has_control(std::string_view line)
{
    return std::ranges::any_of(line, [](char c) {
        const auto octet = static_cast<unsigned char>(c);
        return (octet < 0x20 && octet != '\t') || octet == 0x7f;
    });
}

} // namespace

std::optional<std::uint64_t> request_reader::announced_bytes() const
{
    return chunked_ ? std::nullopt : length_;
}

std::size_t request_reader::next_within(std::uint64_t limit) const
{
    if (stage_ != stage::length_body && stage_ != stage::chunk_data)
        return 1;
    return std::max<std::size_t>(1, std::min(left_, limit));
}

void request_reader::feed(std::string_view bytes)
{
    while (!bytes.empty() && stage_ != stage::complete && stage_ != stage::malformed) {
        if (stage_ == stage::length_body || stage_ == stage::chunk_data)
            take_body(bytes);
        else if (const auto line = take_line(bytes))
            on_line(*line);
    }
}

void request_reader::take_body(std::string_view& bytes)
{
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    bytes.remove_prefix(taken);
    left_ -= taken;
    body_bytes_ += taken;
    if (left_ == 0)
        stage_ = stage_ == stage::chunk_data ? stage::chunk_end : stage::complete;
}

/// The next line without its end; nullopt when its end has not come, or the lines are too long.
std::optional<std::string_view> request_reader::take_line(std::string_view& bytes)
{
    const auto end = bytes.find('\n');
    const auto taken = end == bytes.npos ? bytes.size() : end + 1;
    lines_bytes_ += taken;
    if (lines_bytes_ > longest_head_bytes) {
        fail("head, trailers or chunk size line longer than 64 KiB");
        return std::nullopt;
    }
    auto line = bytes.substr(0, taken);
    bytes.remove_prefix(taken);
    if (end == bytes.npos) {
        unfinished_.append(line);
        return std::nullopt;
    }
    if (!unfinished_.empty()) {
        line_ = std::move(unfinished_);
        unfinished_.clear();
        line_.append(line);
        line = line_;
    }
    line.remove_suffix(line.ends_with("\r\n") ? 2 : 1);
    return line;
}

void request_reader::on_line(std::string_view line)
{
    if (has_control(line))
        return fail("control character in the request's lines");
    switch (stage_) {
    case stage::request_line:
        return on_request_line(line);
    case stage::field:
        return line.empty() ? on_head_end() : on_field(line);
    case stage::chunk_size:
        return on_chunk_size(line);
    case stage::chunk_end:
        if (!line.empty())
            return fail("chunk longer than its size line says");
        lines_bytes_ = 0;
        stage_ = stage::chunk_size;
        return;
    case stage::trailer:
        if (line.empty())
            stage_ = stage::complete;
        return;
    default:
        return;
    }
}

void request_reader::on_request_line(std::string_view line)
{
    if (line.empty())
        return; // RFC 9112 2.2: an empty line before the request line is ignored
    const auto method_end = line.find(' ');
    const auto version_at = line.rfind(' ');
    if (method_end == line.npos || method_end == 0 || version_at <= method_end + 1 ||
        !line.substr(version_at + 1).starts_with("HTTP/1."))
        return fail("no HTTP/1 request line");
    is_head_ = line.substr(0, method_end) == "HEAD";
    stage_ = stage::field;
}

void request_reader::on_field(std::string_view line)
{
    const auto colon = line.find(':');
    if (colon == line.npos || colon == 0 || line.substr(0, colon).find_first_of(" \t") != line.npos)
        return fail("malformed header field");
    const auto name = line.substr(0, colon);
    const auto value = trimmed(line.substr(colon + 1));
    if (is_word(name, "content-length"))
        return on_content_length(value);
    if (is_word(name, "expect"))
        expects_continue_ = is_word(value, "100-continue");
    if (!is_word(name, "transfer-encoding"))
        return;
    const auto last = trimmed(value.substr(value.rfind(',') + 1)); // npos + 1 is 0
    if (!is_word(last, "chunked"))
        return fail("transfer encoding that does not end in chunked");
    chunked_ = true;
}

void request_reader::on_content_length(std::string_view value)
{
    const auto announced = number(value, 10);
    if (!announced || (length_ && *length_ != *announced))
        return fail("malformed or contradictory Content-Length");
    length_ = announced;
}

void request_reader::on_head_end()
{
    head_complete_ = true;
    lines_bytes_ = 0;
    left_ = length_.value_or(0);
    if (chunked_)
        stage_ = stage::chunk_size;
    else
        stage_ = left_ > 0 ? stage::length_body : stage::complete;
}

void request_reader::on_chunk_size(std::string_view line)
{
    const auto size = number(trimmed(line.substr(0, line.find(';'))), 16);
    if (!size)
        return fail("malformed chunk size");
    lines_bytes_ = 0;
    left_ = *size;
    stage_ = left_ > 0 ? stage::chunk_data : stage::trailer;
}

void request_reader::fail(const char* why)
{
    stage_ = stage::malformed;
    fault_ = why;
}

} // namespace finwait::origin
