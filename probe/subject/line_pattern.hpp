// What a line has to look like to be a program's word that its cleanup is done.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
} // namespace re2

namespace finwait::subject {

/// Why a text is no pattern that can be used, in a few words; nullopt: it can be. Patterns are
/// those of RE2: what is common to most regular expressions, without back-references and
/// look-around, which cannot be matched in linear time. One that takes too many steps per byte is
/// refused too.
std::optional<std::string> why_no_pattern(std::string_view text);

/// A regular expression that is looked for anywhere in a line. Matching takes time and memory
/// linear in the line's length, whatever the pattern: it happens in the event loop of many probes.
class line_pattern
{
public:
    /// `text` has been checked with why_no_pattern(); another one is found nowhere.
    explicit line_pattern(std::string_view text);
    ~line_pattern();
    line_pattern(line_pattern&&) noexcept;
    line_pattern& operator=(line_pattern&&) noexcept;
    line_pattern(const line_pattern&) = delete;
    line_pattern& operator=(const line_pattern&) = delete;

    /// Whether it is in the line, which may be of any bytes.
    bool is_in(std::string_view line) const;

private:
    std::unique_ptr<re2::RE2> compiled_;
};

} // namespace finwait::subject
