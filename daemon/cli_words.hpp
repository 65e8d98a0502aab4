// Words that several commands have in common, as they were typed: understood when the whole line is
// read, so that help never fails on them. Only for the sources named cli*: CLI11 takes longer to
// compile than the rest of the folder.
#pragma once

#include "daemon/commands.hpp"
#include "daemon/errors.hpp"
#include "web/json/nearest.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

/// A whole number. Throws usage_error that names `option`, as all of these do.
std::uint64_t
count(std::string_view option, const std::string& text, std::uint64_t least, std::uint64_t most);

std::chrono::milliseconds duration(std::string_view option, const std::string& text);

/// The parts of a comma list; none of an empty text.
std::vector<std::string> list(const std::string& text);

/// One of a few words.
template <class Value, std::size_t Size>
Value choice(
    std::string_view option,
    const std::string& text,
    const std::array<std::string_view, Size>& words,
    const std::array<Value, Size>& values
)
{
    for (std::size_t i = 0; i < Size; ++i)
        if (words[i] == text)
            return values[i];
    throw usage_error(
        fmt::format("{}: unknown word {}: {}", option, in_quotes(text), suggestion(text, words))
    );
}

/// How the output is to look.
struct output_words
{
    std::string form = "table";
    std::string color = "auto";

    void add_to(CLI::App& to);
    output_options understood() const;
};

/// Which subjects a command can have.
enum class subjects { one_or_more, none };

/// What to probe.
struct plan_words
{
    plan_arguments words;
    std::string at;
    std::string by;
    std::string subject;

    void add_to(CLI::App& to, subjects whose);
    plan_arguments understood();
};

} // namespace finwait::daemon
