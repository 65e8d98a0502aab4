// The built-in client in a process of its own, so that the process can be killed.
#pragma once

#include "probe/client/exchange.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::client {

/// What the process says when it stands at its kill point. One line:
/// `standing COOKIE INODE LOCAL PEER`, or `standing` alone while there is no socket.
struct standing_line
{
    std::uint64_t cookie = 0; ///< 0: there is no socket
    std::uint32_t inode = 0;
    endpoint local;
    endpoint peer;
};

/// The arguments that make the process walk that plan: what `main_alone` takes. The first is
/// `walk`. The path is not among them: its query may be a secret, and a command line is everybody's
/// to read and stands in the report.
std::vector<std::string> walk_arguments(const plan& what, const destination& where);

/// The line that such a process has to be told first: the path.
std::string walk_line(const destination& where);

/// The arguments that make it keep descriptor 3 open until it is killed.
std::vector<std::string> hold_arguments();

/// Reads a line of such a process; nullopt when it says something else.
std::optional<standing_line> parse_standing(const std::string& line);

/// What follows `ended` in the line of one that did not come to its kill point: the error, as the
/// process had it where it is an errno or one of addresses, certificates and TLS, else
/// connection_aborted.
error_code parse_ending(std::string_view why);

/// The process's main function. `arguments` without the program's name. Walks to the kill point,
/// says so on standard output, and stands there; `exit` on standard input makes it call _exit(2).
/// Ends with its parent (PR_SET_PDEATHSIG). Gives the exit status: 2 for strange arguments.
int main_alone(const std::vector<std::string>& arguments);

} // namespace finwait::client
