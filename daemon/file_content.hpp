// Reading a small file that somebody wrote for us: configuration, recipe, secret.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

namespace finwait::daemon {

/// What a file has in it, or why that cannot be said.
struct file_content
{
    std::optional<std::string> text; ///< absent: it cannot be read
    std::string why_not;             ///< then: a part of a sentence, for people
};

/// The first `most` bytes of a regular file; null(4) is an empty one. All else is refused without
/// waiting: a FIFO has its content when somebody writes to it, a device may never end.
file_content content_of(const std::filesystem::path& file, std::size_t most);

} // namespace finwait::daemon
