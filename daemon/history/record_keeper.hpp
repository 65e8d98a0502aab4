// What is written: audits as they begin, go on and end.
#pragma once

#include "daemon/history/records.hpp"
#include "daemon/history/sqlite.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

/// Audits that have begun and not ended, as this process knows them: they are written again
/// wherever they are missing.
using open_audits = std::map<std::string, audit_start, std::less<>>;

/// Writes into the tables, within a transaction of the caller's. Every call throws sqlite_error.
class record_keeper
{
public:
    /// Both outlive it.
    record_keeper(database& into, open_audits& open) : into_(into), open_(open) {}

    void begin(const audit_start& what);
    void set_environment(std::string_view audit, std::string_view environment);
    /// Nothing, when there is a report of that id.
    void add(const report_row& what);
    /// That there was such a report, without what it says. Once for each.
    void add_brief(const report_row& what);
    /// Nothing, when it has ended already.
    void end(const audit_end_row& what);
    /// Findings of audits with another name are gone.
    void retire(const std::vector<std::string>& still_configured, std::int64_t now_ns);

    /// Ends what an earlier process did not live to end, as interrupted. Gives how many.
    std::size_t end_abandoned();

    /// Remembers a moment: `running`, `inspected`, `written`.
    void note(std::string_view key, std::int64_t value);

    /// The transaction is committed: what has ended in it is no longer open.
    void settle();
    /// The transaction was rolled back: what it made is not there.
    void forget();

private:
    void make_sure_of(std::string_view audit);
    void tally(const report_row& what, std::int64_t kind);
    std::int64_t kind_id(const kind_row& what);
    std::int64_t cell_id(const json::cell_words& what);

    database& into_;
    open_audits& open_;
    std::map<kind_row, std::int64_t> kinds_; ///< as they are in the table; bounded
    std::vector<std::string> ended_;         ///< in this transaction
};

} // namespace finwait::daemon
