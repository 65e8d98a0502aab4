// The lane itself; for the sources that make it up: asking and turns are in lane.cpp, what runs in
// lane_run.cpp.
#pragma once

#include "daemon/audits/lane.hpp"
#include "daemon/audits/program_look.hpp"
#include "daemon/lifeline.hpp"

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace finwait::daemon {

/// The name of the target that is the lab's own origin.
constexpr std::string_view built_in_target = "origin";

// One that waits, runs, or is being stored.
struct asked_audit
{
    prepared_audit what;
    web::audit_record record;
    bool has_run = false; ///< its turn is over; it is being stored
};

enum class turn_of { audit, probes, lab, programs };

// What has the lane now.
struct turn
{
    turn_of what = turn_of::lab;
    std::string id;
    std::string name;
    std::string target{built_in_target}; ///< its name
    std::vector<std::string> probes;     ///< their ids
    std::vector<recipe> recipes;
    audit_request request;
    bool has_begun = false; ///< in the history
    environment where;
    std::chrono::steady_clock::time_point moved{};
    std::unique_ptr<program_look> look;
    std::unique_ptr<audit_run> run;
};

class live_lane final : public lane
{
public:
    live_lane(boost::asio::io_context& io, history& stored, lane_limits limits, lane_events events)
        : io_(io), history_(stored), limits_(limits), events_(std::move(events)),
          queue_(limits.audits), probes_(limits.probes)
    {
    }
    ~live_lane() override { stop(); }
    live_lane(const live_lane&) = delete;
    live_lane& operator=(const live_lane&) = delete;

    void limit(lane_limits limits) override
    {
        limits_ = limits;
        queue_.set_limit(limits.audits);
        probes_.set_limit(limits.probes);
    }

    audit_queue::asked ask(prepared_audit wanted) override;
    std::optional<std::string> ask(prepared_probe wanted) override;
    void look_at_lab() override
    {
        is_lab_wanted_ = true;
        advance_soon();
    }
    void look_for_programs(std::vector<recipe> wanted) override
    {
        programs_wanted_ = std::move(wanted);
        advance_soon();
    }
    removal cancel_audit(std::string_view id) override;
    probe_removal cancel_probe(std::string_view id) override;
    void stop() override;

    const web::audit_record* audit(std::string_view id) const override;
    std::optional<std::string> underway(std::string_view name) const override;
    const web::probe_record* probe(std::string_view id) const override { return probes_.find(id); }
    bool is_underway(std::string_view id) const override
    {
        return asked_.find(id) != asked_.end() || probes_.is_underway(id);
    }
    const web::audit_record* running() const override
    {
        return now_ && now_->what == turn_of::audit ? audit(now_->id) : nullptr;
    }
    finwait::waiting_counts waiting() const override
    {
        return {.audits = queue_.waiting().size(), .probes = probes_.waiting()};
    }
    unsigned workers() const override { return now_ && now_->run ? now_->run->workers() : 0; }
    const known_programs& programs() const override { return programs_; }

private:
    void advance_soon();
    void advance();
    void give_way();
    void begin_audit(const audit_queue::ticket& next);
    void begin_probes(std::vector<asked_probe> batch);
    void begin_lab_look();
    void begin_program_look();
    void look_then_launch();
    void seen(const std::vector<presence>& found);
    void launch();
    void planned(std::size_t cells);
    void take(const report& done, std::string_view line);
    void finish(finwait::audit done);
    void finish_audit(const turn& was, finwait::audit done);
    void finish_probes(const turn& was, const finwait::audit& done);
    void over_without_history(const std::string& id, web::run_state state);

    boost::asio::io_context& io_;
    history& history_;
    lane_limits limits_;
    lane_events events_;
    lifeline alive_; ///< cut once stopped; the history and the event loop may call back later
    audit_queue queue_;
    probe_book probes_;
    std::map<std::string, asked_audit, std::less<>> asked_;
    std::map<std::string, web::audit_record, std::less<>> lost_; ///< over, and not in the history
    std::deque<std::string> lost_order_;                         ///< oldest first
    std::unique_ptr<turn> now_;
    known_programs programs_;
    std::vector<recipe> programs_wanted_;
    bool is_lab_wanted_ = false;
    std::map<std::string, std::chrono::steady_clock::time_point>
        last_asked_; ///< targets, when last
};

} // namespace finwait::daemon
