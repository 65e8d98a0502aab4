#include "probe/subject/line_pattern.hpp"

#include <re2/re2.h>

namespace finwait::subject {
namespace {

/// Of the compiled program: where RE2 has to do without its automaton, a line costs at most as many
/// steps per byte.
constexpr int largest_program = 2'000;

re2::StringPiece piece_of(std::string_view text)
{
    return {text.data(), text.size()};
}

std::unique_ptr<re2::RE2> compile(std::string_view text)
{
    re2::RE2::Options options;
    options.set_log_errors(false); // to standard error, which is not ours to write
    options.set_never_capture(true);
    return std::make_unique<re2::RE2>(piece_of(text), options);
}

} // namespace

std::optional<std::string> why_no_pattern(std::string_view text)
{
    const auto compiled = compile(text);
    if (!compiled->ok())
        return compiled->error();
    if (compiled->ProgramSize() > largest_program)
        return "it is too large: repetitions and classes multiply";
    return std::nullopt;
}

line_pattern::line_pattern(std::string_view text) : compiled_(compile(text)) {}
line_pattern::~line_pattern() = default;
line_pattern::line_pattern(line_pattern&&) noexcept = default;
line_pattern& line_pattern::operator=(line_pattern&&) noexcept = default;

bool line_pattern::is_in(std::string_view line) const
{
    return compiled_->ok() && re2::RE2::PartialMatch(piece_of(line), *compiled_);
}

} // namespace finwait::subject
