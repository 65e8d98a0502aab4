#include "daemon/paint.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

namespace finwait::daemon {

namespace {

// The process family's five columns side by side.
constexpr std::size_t default_width = 104;

std::string_view variable(const char* name)
{
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string_view() : std::string_view(value);
}

// ECMA-48 SGR.
std::string with_code(std::string text, std::string_view code, color use)
{
    return use == color::on ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
}

struct verdict_style
{
    std::string_view sign;
    std::string_view code;
};

// In the order of the enumerators.
constexpr std::array<verdict_style, 5> styles{
    {{"✓", "94"}, {"◔", "36"}, {"■", "35"}, {"?", "90"}, {"▲", "1;33"}}};

const verdict_style& style_of(verdict which)
{
    return styles[static_cast<std::size_t>(which)];
}

} // namespace

color decide(color_choice chosen, const terminal_facts& facts)
{
    if (chosen != color_choice::automatic)
        return chosen == color_choice::always ? color::on : color::off;
    return facts.is_terminal && !facts.no_color && !facts.is_dumb ? color::on : color::off;
}

terminal_facts facts_of(int fd)
{
    const auto term = variable("TERM");
    return {
        .is_terminal = ::isatty(fd) == 1,
        .no_color = !variable("NO_COLOR").empty(),
        .is_dumb = term.empty() || term == "dumb"};
}

std::size_t width_of(int fd)
{
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    std::size_t columns = 0;
    const auto text = variable("COLUMNS");
    const auto read = std::from_chars(text.data(), text.data() + text.size(), columns);
    return read.ec == std::errc{} && columns > 0 ? columns : default_width;
}

std::string_view sign(verdict which)
{
    return style_of(which).sign;
}

std::string signed_word(verdict which)
{
    return fmt::format("{} {}", sign(which), word(which));
}

std::string painted(std::string text, verdict which, color use)
{
    return with_code(std::move(text), style_of(which).code, use);
}

std::string faint(std::string text, color use)
{
    return with_code(std::move(text), "2", use);
}

std::string strong(std::string text, color use)
{
    return with_code(std::move(text), "1", use);
}

} // namespace finwait::daemon
