#include "daemon/startable.hpp"

#include "probe/kernel/unique_fd.hpp"
#include "web/json/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace finwait::daemon {

namespace fs = std::filesystem;

namespace {

using answer = std::optional<std::string>;

bool may_execute(const fs::path& file)
{
    return ::faccessat(AT_FDCWD, file.c_str(), X_OK, AT_EACCESS) == 0;
}

// The interpreter that a script names in its first line; empty: it is no script, or cannot be read.
std::string interpreter_of(const fs::path& file)
{
    const kernel::unique_fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    std::array<char, 256> begin{}; // BINPRM_BUF_SIZE of the kernel
    const ssize_t count = fd ? ::read(fd.get(), begin.data(), begin.size()) : 0;
    std::string_view text(begin.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
    if (!text.starts_with("#!"))
        return {};
    text = text.substr(2, text.find('\n') - 2);
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return std::string(text.substr(0, text.find_first_of(" \t\r")));
}

answer why_not_file(const fs::path& file)
{
    std::error_code failed;
    const auto status = fs::status(file, failed);
    if (!fs::exists(status))
        return fmt::format("there is no {}", in_quotes(file.string()));
    if (fs::is_directory(status))
        return fmt::format(
            "{} is a directory; the program in it is needed", in_quotes(file.string())
        );
    if (!may_execute(file))
        return fmt::format(
            "{} is not executable; `chmod +x` would make it so, or its interpreter before it",
            in_quotes(file.string())
        );
    const std::string interpreter = interpreter_of(file);
    if (!interpreter.empty() && !may_execute(interpreter))
        return fmt::format(
            "the interpreter {} of {} is not there; install it, or correct the first line",
            in_quotes(interpreter),
            in_quotes(file.string())
        );
    return {};
}

} // namespace

std::optional<std::string>
why_not_startable(const std::string& name, const std::string& directory, std::string_view path)
{
    const fs::path here(directory);
    if (name.find('/') != std::string::npos)
        return why_not_file(here / name);
    answer first; // of those that are there, but cannot be started
    for (std::string_view rest = path;;) {
        const auto colon = rest.find(':');
        const fs::path file = here / rest.substr(0, colon) / name;
        std::error_code ignored; // what cannot be reached is not there
        if (fs::exists(file, ignored) && !fs::is_directory(file, ignored)) {
            auto why = why_not_file(file);
            if (!why)
                return {};
            first = first ? std::move(first) : std::move(why);
        }
        if (colon == std::string_view::npos)
            break;
        rest.remove_prefix(colon + 1);
    }
    if (first)
        return first;
    return fmt::format(
        "there is no program {} in PATH ({}); install it, or write its path", in_quotes(name), path
    );
}

} // namespace finwait::daemon
