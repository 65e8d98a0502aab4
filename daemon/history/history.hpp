// What the daemon remembers: audits, their reports, the life of findings. SQLite, in a file or in
// memory. A report that can be read here is stored: it survives SIGKILL at any moment.
#pragma once

#include "daemon/config/configuration.hpp"
#include "probe/model/audit.hpp"
#include "web/backend.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::daemon {

/// What an audit is, before it has run.
struct audit_start
{
    std::string id;   ///< ULID
    std::string name; ///< of the configuration; `probe` for single probes, `ad hoc` for choices
    std::chrono::system_clock::time_point started;
    std::uint64_t planned = 0; ///< cells, with controls
};

/// The name of what is no audit of its own but a single probe: such audits have no part in the life
/// of findings, and are in no list and no `latest` unless asked for by this name.
constexpr std::string_view single_probe = "probe";

/// The name of audits that nobody configured. Their findings are kept and listed, but not counted:
/// no audit of the schedule would ever close them.
constexpr std::string_view not_configured = "ad hoc";

/// How it is with the store.
struct history_state
{
    health_check check;      ///< warn: damaged and set aside, full disk, memory only
    std::uint64_t bytes = 0; ///< of the files
    /// Reports that could not be written when they came, since the start. Those of findings are
    /// among them, though they may have been made good.
    std::uint64_t unstored = 0;
};

/// Reads answer at once by the calling thread's own connection; writes go to one writer thread in
/// their order, which tells in the io_context when they are stored. Reports that are asked of it
/// while the disk is full are lost, counted and said; it resumes by itself, and the ends of audits
/// are then made good, with the reports of their findings as far as the memory for them goes. The
/// same holds when there is no room from the start. All of it belongs to the io_context's thread.
///
/// An audit that has begun and not ended is unknown to the reading side, but for its reports. One
/// that an earlier daemon did not live to end is ended when the history is opened, as interrupted.
class history
{
public:
    /// Opens or makes it; a damaged file is set aside (never deleted) and said in state().
    /// Throws usage_error: the place cannot be used (another finwait uses it); the file is of a
    /// newer version, or another program's.
    static std::unique_ptr<history> open(
        boost::asio::io_context& io,
        const history_settings& how,
        std::function<void(const std::string&)> log
    );

    // ---- writing

    virtual void begin(audit_start what) = 0;
    /// What the workers said of the machine, once they have: for an audit whose end is never told.
    virtual void set_environment(const std::string& audit, const environment& where) = 0;
    /// `line` is the report's JSON. `stored` is called once it is stored (or not), in the
    /// io_context, never from within this call.
    virtual void
    add(const std::string& audit,
        const finwait::report& done,
        std::string_view line,
        std::function<void(bool is_stored)> stored = {}) = 0;
    /// The audit's end: outcome, findings and what they mean for those of earlier audits (nothing
    /// when it is void). Of `done` everything but `reports` is looked at: those were given to
    /// add(). Once stored, findings() and finding_counts() tell of it.
    virtual void
    end(const finwait::audit& done, std::function<void(bool is_stored)> stored = {}) = 0;
    /// Open findings of audits with another name than these are `gone` from now on: nobody looks
    /// for them any more. To be called at the start, before anything runs, and with every other
    /// configuration. Those of audits that nobody configured stay as they are. Once stored,
    /// finding_counts() tells of it.
    virtual void retire(
        const std::vector<std::string>& still_configured,
        std::function<void(bool is_stored)> stored = {}
    ) = 0;
    /// Begins quick_check and pruning off this thread; to be called when the daemon is ready.
    virtual void check() = 0;
    /// Keeps by age and bytes as these settings say from now on.
    virtual void keep(const history_settings& how) = 0;

    // ---- reading; null and empty: unknown. They throw std::runtime_error when the file cannot be
    // read. A page of a list may have fewer items than its limit and still go on at `next`: no call
    // looks at more than a bounded part of the file.

    virtual web::page audits(const web::audit_query& wanted) const = 0;
    /// With its reports, as far as they are still there and up to 8 MiB; `reports_left_out` counts
    /// the others.
    virtual web::document audit(std::string_view id) const = 0;
    virtual web::document latest_audit() const = 0;
    /// What is another in `id` than it was in `against`.
    virtual web::document diff(std::string_view id, std::string_view against) const = 0;
    virtual web::document matrix(const web::matrix_query& wanted) const = 0;
    /// The items are whole reports.
    virtual web::page reports(const web::report_query& wanted) const = 0;
    virtual web::document report(std::string_view id) const = 0;
    /// The items are `finwait.finding/1`; the id of a finding is that of the report that was first.
    virtual web::page findings(const web::finding_query& wanted) const = 0;
    /// How many findings are new, still there, and gone since the last audit of their name; of
    /// configured audits alone. From memory.
    virtual finwait::finding_counts finding_counts() const = 0;
    /// How many findings are new or still there.
    std::uint64_t open_findings() const
    {
        const auto counts = finding_counts();
        return counts.new_ones + counts.still_there;
    }
    /// The last audit that ended, of any name, or of that name. Also null when the file cannot be
    /// read: it does not throw.
    virtual std::optional<last_audit> last(std::string_view name = {}) const = 0;
    virtual history_state state() const = 0;

    /// Waits until everything asked for so far has been written, or was lost. For the tests and for
    /// the end of a program: it blocks.
    virtual void flush() = 0;

    history() = default;
    history(const history&) = delete;
    history& operator=(const history&) = delete;
    /// Writes what is waiting, then closes. Callbacks that were not called yet may stay so.
    virtual ~history() = default;
};

} // namespace finwait::daemon
