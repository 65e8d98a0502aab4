// What the daemon says of its audits: to the log, and to whoever has just started it by hand.
#pragma once

#include "daemon/commands.hpp"
#include "daemon/systemd/journal.hpp"
#include "probe/model/audit.hpp"

#include <string>

namespace finwait::daemon {

/// Who reads standard output.
enum class audience { person, journal };

/// A line in the log for each audit and each of its findings; the matrix of the first audit on
/// standard output, for a person.
class announcer
{
public:
    /// `log` outlives it.
    announcer(journal& log, output_options how, audience who)
        : log_(log), how_(how), is_matrix_wanted_(who == audience::person)
    {
    }

    /// `name` is that of the configuration; `url` where the API is, or empty.
    void audit_done(const audit& done, const std::string& name, const std::string& url);

private:
    void log_audit(const audit& done, const std::string& name);
    void log_finding(const audit& done, const std::string& name, const report& which);
    void print_matrix(const audit& done, const std::string& url);

    journal& log_;
    output_options how_;
    bool is_matrix_wanted_;
};

} // namespace finwait::daemon
