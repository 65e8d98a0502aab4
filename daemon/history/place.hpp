// The files of the history: the database with what SQLite puts beside it, and the lock.
#pragma once

#include "probe/kernel/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace finwait::daemon {

/// Makes the folders above (0700) and the file (0600) where they are not there, and locks the place
/// for this process (`FILE.lock`, flock(2)) while the descriptor lives.
/// Throws usage_error: it cannot be written, or another process has it.
kernel::unique_fd take_place(const std::filesystem::path& file);

/// Renames the database and what SQLite has put beside it to `FILE.damaged-20260131T120000Z`, or
/// with a number behind it. Nothing may write to it any more. Gives the new name.
/// Throws std::filesystem::filesystem_error.
std::filesystem::path set_aside(const std::filesystem::path& file);

/// Of the database, its log and its index. 0 for what is not there.
std::uint64_t bytes_of(const std::filesystem::path& file);

/// Whether there is something in its log that may not be in the database.
bool has_log(const std::filesystem::path& file);

/// Makes it an empty file of ours, 0600. Throws usage_error.
void create_file(const std::filesystem::path& file);

} // namespace finwait::daemon
