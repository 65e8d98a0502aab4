// Signs and colours of verdicts. The sign and the word carry the meaning, colour only helps.
#pragma once

#include "probe/model/verdict.hpp"

#include <string>
#include <string_view>

namespace finwait::daemon {

/// What `--color` says.
enum class color_choice { automatic, always, never };

/// What decides about colour when nothing was chosen.
struct terminal_facts
{
    bool is_terminal = false;
    bool no_color = false; ///< NO_COLOR is set and not empty (no-color.org)
    bool is_dumb = false;  ///< TERM is `dumb` or not set
};

enum class color { off, on };

/// Pure.
color decide(color_choice chosen, const terminal_facts& facts);

/// Asks the descriptor and the environment.
terminal_facts facts_of(int fd);

/// Columns of the terminal behind a descriptor (TIOCGWINSZ), else of COLUMNS, else 104.
std::size_t width_of(int fd);

/// The sign of a verdict: ✓ released, ◔ draining, ■ held, ▲ leaked, ? unverified.
std::string_view sign(verdict which);

/// `✓ released`
std::string signed_word(verdict which);

/// The text in the colour of a verdict.
std::string painted(std::string text, verdict which, color use);

/// The text as something less important, and as a heading.
std::string faint(std::string text, color use);
std::string strong(std::string text, color use);

} // namespace finwait::daemon
