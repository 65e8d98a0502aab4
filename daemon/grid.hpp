// The matrix of an audit as a table for people: kill points down, kill methods across.
#pragma once

#include "daemon/paint.hpp"
#include "probe/model/report.hpp"

#include <span>
#include <string>

namespace finwait::daemon {

/// How a table is to look.
struct table_style
{
    std::size_t width = 104; ///< columns to fit into, where that is possible
    color use_color = color::off;
};

/// Several blocks one below the other, each as wide as `width` permits; the methods of one family
/// stand together. A field sums up all cells of its point and method: the sign and the word of the
/// worst verdict; the ends of the cells that have it; how many these are, unless they are all; and
/// a `!` when a cell is a finding or an escaped control. A row's heading says how many cells its
/// fields have. Fields without a cell show `–`; rows and columns without any are left out. A legend
/// follows. Of several clients each has a table of its own, under its name. Misuses, which are
/// controls, stand below the table of their client. Empty when there is no report.
std::string grid(std::span<const report> reports, const table_style& style);

} // namespace finwait::daemon
