// What is forgotten, and when: by age, and by how many bytes there may be.
#pragma once

#include "daemon/config/configuration.hpp"
#include "daemon/history/sqlite.hpp"

#include <cstdint>

namespace finwait::daemon {

/// How the bytes of a history are divided: the pages of its file, and the log beside it.
struct byte_limits
{
    std::uint64_t pages = 0; ///< of the database
    std::uint64_t log = 0;   ///< of the write-ahead log, at most about this
};

/// At least 1 MiB in all: less would not hold one audit.
byte_limits limits_of(const history_settings& how);

/// Bounds the log by these limits from now on. Throws sqlite_error.
void bound_log(database& in, const byte_limits& limits);

/// Brings the log into the file and makes it empty, unless somebody reads. Throws sqlite_error.
void empty_log(database& in);

/// Pages that are used, in bytes. Throws sqlite_error.
std::uint64_t used_bytes(database& in);

/// Does a little of what is due, in a transaction of its own (a few milliseconds), and gives
/// whether there may be more. In this order: reports that are too old (findings, what could not be
/// judged and escaped controls later than the rest); audits and lives of findings that are too old
/// and have no report; then, while the pages are too many, the oldest of what is kept shorter, then
/// the oldest of all; then gives free pages back to the file system. The last audit of each name
/// stays whatever its age. For want of pages the audit that has ended last, and those that run,
/// lose reports only when nobody else has any.
///
/// The oldest is what was stored first: it stays so when the clock was set back. Throws
/// sqlite_error.
bool forget_some(
    database& in, const history_settings& how, const byte_limits& limits, std::int64_t now_ns
);

} // namespace finwait::daemon
