// The history as the service knows it: the place, the writer, the reader, and who looks after them.
#include "daemon/history/history.hpp"

#include "daemon/errors.hpp"
#include "daemon/history/inspector.hpp"
#include "daemon/history/place.hpp"
#include "daemon/history/reader.hpp"
#include "daemon/history/schema.hpp"
#include "daemon/history/writer.hpp"
#include "daemon/printable.hpp"
#include "web/json/json.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace finwait::daemon {

namespace {

/// Of a history in memory: it is the daemon's own.
constexpr std::uint64_t most_bytes_in_memory = 8 * mebibyte;
/// After a clean stop the file need not be looked through again so soon.
constexpr std::chrono::hours between_inspections{24};

class stored_history final : public history
{
public:
    stored_history(writer_setup setup, kernel::unique_fd lock)
        : lock_(std::move(lock)), file_(setup.file), writer_(told_to_this(std::move(setup)))
    {
        if (writer_.is_open())
            return;
        try {
            writer_.count_findings(*what_is_there());
        } catch (const sqlite_error&) {
            return; // ignoring: whoever opens the file as usual finds out
        }
    }

    void begin(audit_start what) override
    {
        names_[what.id] = what.name;
        writer_.submit({.work = [what](record_keeper& into) { into.begin(what); }, .begins = what});
    }

    void set_environment(const std::string& audit, const environment& where) override
    {
        writer_.submit({.work = [audit, text = json::dump(where)](record_keeper& into) {
            into.set_environment(audit, text);
        }});
    }

    void
    add(const std::string& audit,
        const finwait::report& done,
        std::string_view line,
        std::function<void(bool)> stored) override
    {
        auto row = std::make_shared<const report_row>(row_of(audit, done, line));
        const auto bytes = line.size() + 1024;
        writer_.submit(
            {.kind = write_kind::report,
             .work = [row](record_keeper& into) { into.add(*row); },
             .stored = std::move(stored),
             .bytes = bytes,
             .finding = row->kind.finding ? row : nullptr}
        );
    }

    void end(const finwait::audit& done, std::function<void(bool)> stored) override
    {
        finwait::audit head = head_of(done);
        if (const auto known = names_.find(done.id); known != names_.end()) {
            if (head.name.empty())
                head.name = known->second;
            names_.erase(known);
        }
        auto row = std::make_shared<const audit_end_row>(row_of(head));
        writer_.submit(
            {.kind = write_kind::end,
             .work = [row](record_keeper& into) { into.end(*row); },
             .stored = std::move(stored),
             .bytes = row->doc.size()}
        );
    }

    void retire(const std::vector<std::string>& still_configured, std::function<void(bool)> stored)
        override
    {
        const auto now = nanoseconds(std::chrono::system_clock::now());
        writer_.submit(
            {.kind = write_kind::retirement,
             .work = [still_configured,
                      now](record_keeper& into) { into.retire(still_configured, now); },
             .stored = std::move(stored)}
        );
    }

    void check() override
    {
        is_check_due_ = !writer_.is_open();
        if (is_check_due_)
            return;
        writer_.maintain();
        if (!file_ || (!writer_.was_unclean() && is_inspected_lately()))
            return;
        inspector_.begin(*file_, [this, of = writer_.generation()](const std::string& wrong) {
            if (!wrong.empty())
                return writer_.note_damage(wrong, of);
            const auto now = nanoseconds(std::chrono::system_clock::now());
            writer_.submit({.work = [now](record_keeper& into) {
                into.note("inspected", now);
            }});
        });
    }

    void keep(const history_settings& how) override
    {
        writer_.keep(bounded(how, file_.has_value()));
    }

    web::page audits(const web::audit_query& wanted) const override
    {
        return read([&](const history_reader& from) { return from.audits(wanted); });
    }
    web::document audit(std::string_view id) const override
    {
        return read([&](const history_reader& from) { return from.audit(id); });
    }
    web::document latest_audit() const override
    {
        return read([&](const history_reader& from) { return from.latest_audit(); });
    }
    web::document diff(std::string_view id, std::string_view against) const override
    {
        return read([&](const history_reader& from) { return from.diff(id, against); });
    }
    web::document matrix(const web::matrix_query& wanted) const override
    {
        return read([&](const history_reader& from) { return from.matrix(wanted); });
    }
    web::page reports(const web::report_query& wanted) const override
    {
        return read([&](const history_reader& from) { return from.reports(wanted); });
    }
    web::document report(std::string_view id) const override
    {
        return read([&](const history_reader& from) { return from.report(id); });
    }
    web::page findings(const web::finding_query& wanted) const override
    {
        return read([&](const history_reader& from) { return from.findings(wanted); });
    }
    finwait::finding_counts finding_counts() const override { return writer_.findings(); }
    std::optional<last_audit> last(std::string_view name) const override
    try {
        return read([&](const history_reader& from) { return from.last(name); });
    } catch (const sqlite_error&) {
        return std::nullopt; // ignoring: damage is noted, and said in the state
    }
    history_state state() const override { return writer_.state(); }

    void flush() override
    {
        inspector_.wait();
        writer_.flush();
    }

    static history_settings bounded(history_settings how, bool is_in_file)
    {
        if (!is_in_file)
            how.max_bytes = std::min(how.max_bytes, most_bytes_in_memory);
        return how;
    }

private:
    // What was to be looked through before there was room to open it.
    writer_setup told_to_this(writer_setup setup)
    {
        setup.opened = [this, alive = std::weak_ptr(alive_)] {
            if (!alive.expired() && is_check_due_)
                check();
        };
        return setup;
    }

    /// All of it but the reports, which are most of it.
    static finwait::audit head_of(const finwait::audit& done)
    {
        return {
            .id = done.id,
            .started = done.started,
            .took_ns = done.took_ns,
            .outcome = done.outcome,
            .summary = done.summary,
            .controls_planned = done.controls_planned,
            .controls_caught = done.controls_caught,
            .findings = done.findings,
            .environment = done.environment,
            .reports = {},
            .interrupted = done.interrupted,
            .name = done.name,
            .reports_left_out = 0};
    }

    template <class Ask>
    auto read(Ask ask) const -> decltype(ask(std::declval<const history_reader&>()))
    {
        if (!file_)
            return ask(history_reader(writer_.memory()));
        if (!writer_.is_open()) {
            reading_.reset();
            return ask(history_reader(*what_is_there()));
        }
        const auto generation = writer_.generation();
        try {
            return ask(history_reader(reading(generation)));
        } catch (const sqlite_error& error) {
            if (error.is_damage())
                writer_.note_damage(error.what(), generation);
            throw;
        }
    }

    // A connection to the file as it is now: it may have been set aside.
    database& reading(unsigned generation) const
    {
        if (reading_ && reading_generation_ == generation)
            return *reading_;
        reading_.reset();
        auto opened = std::make_unique<database>(file_->string(), database::access::read_only);
        set_up_reader(*opened);
        reading_ = std::move(opened);
        reading_generation_ = generation;
        return *reading_;
    }

    // As long as there is no room to open the file as usual: what a clean stop has left of it, or
    // an empty history. A log that is left cannot be read without room for its index, and the file
    // without its log says nothing for certain.
    std::unique_ptr<database> what_is_there() const
    {
        try {
            auto there = std::make_unique<database>(file_->string(), database::access::unchanging);
            set_up_reader(*there);
            if (!has_log(*file_) && kind_of(*there) == file_kind::ours)
                return there;
        } catch (const sqlite_error&) {
            // ignoring: whoever opens it as usual finds out
        }
        auto nothing = std::make_unique<database>(":memory:", database::access::read_write);
        migrate(*nothing);
        return nothing;
    }

    bool is_inspected_lately() const
    try {
        const auto then = read([](const history_reader& from) { return from.noted("inspected"); });
        return then && std::chrono::system_clock::now() - time_of(*then) < between_inspections;
    } catch (const sqlite_error&) {
        return false;
    }

    kernel::unique_fd lock_; ///< of the place, until all is closed
    std::optional<std::filesystem::path> file_;
    bool is_check_due_ = false;
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
    std::map<std::string, std::string, std::less<>> names_; ///< of the audits that run, by id
    mutable writer writer_;
    mutable std::unique_ptr<database> reading_; ///< closed before the writer's, which tidies up
    mutable unsigned reading_generation_ = 0;
    inspector inspector_;
};

} // namespace

std::unique_ptr<history> history::open(
    boost::asio::io_context& io,
    const history_settings& how,
    std::function<void(const std::string&)> log
)
{
    const auto setup = [&](const std::optional<std::filesystem::path>& file) {
        return writer_setup{
            .file = file,
            .how = stored_history::bounded(how, file.has_value()),
            .post = [&io](std::function<void()> work) { boost::asio::post(io, std::move(work)); },
            .log = log};
    };
    if (!how.path)
        return std::make_unique<stored_history>(setup({}), kernel::unique_fd());
    auto lock = take_place(*how.path);
    const auto refusal = [&](const std::exception& why) {
        return fmt::format(
            "the history {} cannot be used: {}", printable(how.path->string()), why.what()
        );
    };
    try {
        return std::make_unique<stored_history>(setup(how.path), std::move(lock));
    } catch (const sqlite_error& error) {
        throw usage_error(refusal(error));
    } catch (const std::filesystem::filesystem_error& error) {
        throw usage_error(refusal(error));
    }
}

} // namespace finwait::daemon
