// The commands on the command line: each adds its options, its help and what it then does.
#pragma once

#include "daemon/exit_code.hpp"

#include <functional>
#include <string>
#include <vector>

namespace CLI { // NOLINT(readability-identifier-naming): the library's own
class App;
}

namespace finwait::daemon {

/// What was chosen on the command line.
using work = std::function<exit_code()>;

// Each adds one command to `app`; `chosen` becomes what it does, once the command line is read.
// usage_error leaves the reading where a word is wrong.
void add_audit(CLI::App& app, work& chosen);
void add_probe(CLI::App& app, work& chosen);
/// `command`: what stood behind the first `--`, which is not for us to understand.
void add_run(CLI::App& app, const std::vector<std::string>& command, work& chosen);
void add_serve(CLI::App& app, work& chosen);
void add_status(CLI::App& app, work& chosen);
/// `reports`, `show`, `diff` and `export`.
void add_history(CLI::App& app, work& chosen);
void add_worker(CLI::App& app, work& chosen);

} // namespace finwait::daemon
