#include "daemon/audit_run.hpp"

#include "daemon/lost.hpp"
#include "daemon/tally.hpp"
#include "probe/ulid.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace finwait::daemon {

namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

class live_run final : public audit_run
{
public:
    live_run(net::io_context& io, audit_request request, audit_events events)
        : request_(std::move(request)), events_(std::move(events)), begun_(steady_clock::now())
    {
        audit_.started = system_clock::now();
        audit_.id = request_.id ? *request_.id : make_ulid(audit_.started);
        crew_ = crew::make(
            io,
            request_.crew,
            {.entered = [this](const environment& where) { return enter(where); },
             .reported = [this](report done, std::string_view line) { add(std::move(done), line); },
             .noted = [this](const std::string& text) { events_.noted(text); },
             .finished =
                 [this] {
                     finish();
                 }}
        );
        crew_->start();
    }

    audit interrupt() override
    {
        crew_->stop();
        audit_.interrupted = true;
        return conclusion();
    }

    const std::string& id() const override { return audit_.id; }
    unsigned workers() const override { return crew_->workers(); }

private:
    std::vector<json::plan_line> enter(const environment& told)
    {
        audit_.environment = told;
        environment& where = audit_.environment;
        where.not_run.insert(where.not_run.end(), request_.absent.begin(), request_.absent.end());
        std::vector<json::plan_line> cells;
        std::vector<std::pair<json::plan_line, not_run>> refused;
        for (unsigned round = 0; round < request_.repeat; ++round)
            for (json::plan_line line : request_.plans) {
                const auto why = why_not_here(line.plan, where);
                if (why && !request_.by_name.contains(why->what))
                    continue;
                if (!line.id)
                    line.id = make_ulid(system_clock::now());
                if (why)
                    refused.emplace_back(std::move(line), *why);
                else
                    cells.push_back(std::move(line));
            }
        if (events_.entered)
            events_.entered(where);
        events_.planned(cells.size() + refused.size());
        for (const auto& [line, why] : refused)
            refuse(line, why);
        return cells;
    }

    void refuse(const json::plan_line& line, const not_run& why)
    {
        std::string text = why.what + " cannot be done here: " + why.reason;
        if (!why.cure.empty())
            text += "; cure: " + why.cure;
        report lost = lost_report(line, {.code = "not_permitted", .text = text});
        const std::string dumped = json::dump(lost);
        add(std::move(lost), dumped);
    }

    void add(report done, std::string_view line)
    {
        events_.reported(done, line);
        audit_.reports.push_back(std::move(done));
    }

    audit conclusion()
    {
        audit_.took_ns = std::chrono::nanoseconds(steady_clock::now() - begun_).count();
        // They came as they finished; ULIDs sort in the order of the matrix.
        std::sort(
            audit_.reports.begin(),
            audit_.reports.end(),
            [](const report& a, const report& b) { return a.id < b.id; }
        );
        conclude(audit_);
        return std::move(audit_);
    }

    void finish()
    {
        const auto finished = events_.finished; // this object may be destroyed in it
        finished(conclusion());
    }

    audit_request request_;
    audit_events events_;
    steady_clock::time_point begun_;
    audit audit_;
    std::unique_ptr<crew> crew_;
};

} // namespace

std::optional<not_run> why_not_here(const plan& wanted, const environment& where)
{
    const auto concerns = [&](const not_run& each) {
        return each.what == client_of(wanted.subject) || each.what == word(wanted.by) ||
               each.what == word(wanted.at) || each.what == word(wanted.family);
    };
    const auto found = std::find_if(where.not_run.begin(), where.not_run.end(), concerns);
    return found == where.not_run.end() ? std::nullopt : std::optional(*found);
}

std::unique_ptr<audit_run>
audit_run::start(net::io_context& io, audit_request request, audit_events events)
{
    return std::make_unique<live_run>(io, std::move(request), std::move(events));
}

} // namespace finwait::daemon
