// Where text goes: standard output, every write checked; files; standard error.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace finwait::daemon {

/// Makes sure that descriptors 0, 1 and 2 are open, so that no socket of ours can become one of
/// them. A closed one becomes /dev/null opened the wrong way round: writing to it fails, as it
/// would have.
void occupy_standard_descriptors();

/// Writes all of `text` to standard output. Throws output_error (a full disk, a closed pipe).
/// Blocks while a reader is slow.
void print(std::string_view text);

/// Says that all output is written. Throws output_error: some file systems tell of a full disk
/// only at close(2).
void finish_output();

/// Writes a file whole, or throws output_error. Through a temporary name in the same folder, so
/// that a reader never finds half of it; devices and pipes are written to directly.
void write_file(const std::string& path, std::string_view content);

/// Writes what whoever reads `fd` has room for, and does not wait for more: the bytes written, from
/// the front. pipe(7): one that poll(2) calls writable takes a piece of PIPE_BUF bytes at once; so
/// do sockets. An error counts as no room.
std::size_t offer(int fd, std::string_view text);

/// A line on standard error, with the program's name before it. Errors are ignored: there is
/// nobody left to tell.
void complain(std::string_view text);

} // namespace finwait::daemon
