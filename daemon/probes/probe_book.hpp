// Single probes that were asked for: which wait, which run, what became of them. A value, without
// I/O, without a clock.
#pragma once

#include "daemon/audits/order.hpp"
#include "web/records.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

/// One that waits or runs.
struct asked_probe
{
    std::string id; ///< ULID; that of its report
    prepared_probe what;
};

/// What came of wanting to end one.
enum class probe_removal {
    withdrawn, ///< it waited, and is gone
    running,   ///< it runs, and nobody awaits its report any more
    over,      ///< it had ended before
    unknown,
};

/// Probes in the order of asking. What has ended is remembered for a while.
class probe_book
{
public:
    /// `limit`: how many may wait.
    explicit probe_book(std::size_t limit) : limit_(limit) {}
    void set_limit(std::size_t limit) { limit_ = limit; }

    /// False: too many wait.
    bool ask(asked_probe wanted);

    /// Those to run together now: the oldest, and what waits behind it for the same target. They
    /// run from now on. Empty: none waits.
    std::vector<asked_probe> next_batch(std::size_t most);

    /// One that runs has its report, which can be read.
    void reported(const std::string& id);

    /// It has ended. Without a report before it has none, for this reason.
    void ended(const std::string& id, const std::string& why);

    probe_removal remove(std::string_view id);

    /// nullptr: unknown, or forgotten.
    const web::probe_record* find(std::string_view id) const;
    bool is_underway(std::string_view id) const;
    std::size_t waiting() const { return waiting_.size(); }

private:
    void close(web::probe_record& of, web::run_state state, std::string why);

    std::size_t limit_;
    std::deque<asked_probe> waiting_;
    std::map<std::string, web::probe_record, std::less<>> records_;
    std::deque<std::string> over_; ///< oldest first
};

} // namespace finwait::daemon
