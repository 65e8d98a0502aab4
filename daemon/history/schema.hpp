// The tables of the history, and how a file of an earlier version becomes one of this.
#pragma once

#include "daemon/history/sqlite.hpp"

namespace finwait::daemon {

/// `user_version` of the files that this program writes.
constexpr int history_version = 1;

/// What a file turns out to be.
enum class file_kind {
    empty,   ///< nothing in it yet
    ours,    ///< of this version or an earlier one
    newer,   ///< ours, of a version that is not known here
    foreign, ///< another program's database
};

/// Reads the header and the list of tables. Throws sqlite_error: damaged.
file_kind kind_of(database& in);

/// Makes the tables of this version, each step in a transaction of its own. For `empty` and `ours`.
void migrate(database& in);

/// The settings of a connection: how it writes, how long it waits for others.
void set_up_writer(database& in);
void set_up_reader(database& in);

} // namespace finwait::daemon
