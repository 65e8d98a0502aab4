// The service itself; for the sources that make it up. Its life and its schedule are in
// service.cpp, what it says in service_answers.cpp, what it is asked to do in service_orders.cpp.
#pragma once

#include "daemon/audits/catalogue.hpp"
#include "daemon/audits/figures.hpp"
#include "daemon/audits/lane.hpp"
#include "daemon/lifeline.hpp"
#include "daemon/recipe_shelf.hpp"
#include "daemon/schedule/timetable.hpp"
#include "daemon/service.hpp"
#include "web/json/records.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace finwait::daemon {

inline web::document made(std::string text)
{
    return std::make_shared<const std::string>(std::move(text));
}

class live_service final : public service
{
public:
    live_service(
        boost::asio::io_context& io,
        const configuration& how,
        history& stored,
        service_events events
    );

    void start() override;
    void apply(const configuration& how) override;
    void stop() override;
    std::string state_line() const override;
    void history_changed() override;
    void note_reload(bool succeeded, const std::string& detail) override;

    service_status status() const override;
    health_checks readiness() const override;
    web::metrics_snapshot metrics() const override;
    web::page audits(const web::audit_query& wanted) const override
    {
        return history_.audits(wanted);
    }
    web::document audit(std::string_view id) const override;
    web::document latest_audit() const override { return history_.latest_audit(); }
    web::document diff(std::string_view id, std::string_view against) const override
    {
        return history_.diff(id, against);
    }
    web::document matrix(const web::matrix_query& wanted) const override
    {
        return history_.matrix(wanted);
    }
    web::page reports(const web::report_query& wanted) const override
    {
        return history_.reports(wanted);
    }
    web::document report(std::string_view id) const override { return history_.report(id); }
    web::document report_log(std::string_view id) const override;
    web::page findings(const web::finding_query& wanted) const override
    {
        return history_.findings(wanted);
    }
    web::document probe(std::string_view id) const override;
    web::document subjects() const override { return subjects_; }
    web::document targets() const override { return made(json::dump(target_records(how_))); }
    web::document config() const override { return made(json::dump(settings_of(how_))); }
    bool is_underway(std::string_view id) const override { return lane_->is_underway(id); }

    web::outcome_of<web::accepted>
    start_audit(const web::audit_order& wanted, const web::peer& by) override;
    web::outcome_of<web::done> cancel_audit(std::string_view id, const web::peer& by) override;
    web::outcome_of<web::accepted> start_probe(const plan& wanted, const web::peer& by) override;
    web::outcome_of<web::done> cancel_probe(std::string_view id, const web::peer& by) override;
    web::outcome_of<web::document> reload_config(const web::peer& by) override;
    web::event_log& events() override { return log_; }

private:
    void note(const std::string& text) const
    {
        if (tell_.noted)
            tell_.noted(text);
    }
    order_context context() const
    {
        return {.how = how_, .recipe_directories = recipe_directories_now()};
    }
    std::vector<std::filesystem::path> recipe_directories_now() const
    {
        return how_.subject_directories.empty() ? recipe_directories() : how_.subject_directories;
    }
    void plan_schedule();
    void remember_audits();
    void retire_others();
    void read_recipes();
    void render_subjects();
    void tick();
    void sleep();
    void run_due(const due_audit& due, std::chrono::system_clock::time_point now);
    void moved(const web::audit_record& what);
    void ended(const ended_audit& done);
    void status_changed();
    std::optional<std::chrono::system_clock::time_point> next_audit() const;
    health_check schedule_check() const;
    health_checks all_checks() const;
    health judged() const;

    boost::asio::io_context& io_;
    configuration how_;
    history& history_;
    service_events tell_;
    std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
    web::event_log log_; ///< numbered from `started_`
    timetable timetable_;
    boost::asio::steady_timer alarm_;
    std::optional<last_audit> last_;
    std::map<std::string, last_audit, std::less<>> last_of_; ///< audits of the configuration
    std::map<std::string, std::uint64_t, std::less<>> missed_;
    std::map<std::string, std::string, std::less<>> cannot_run_; ///< when last due; why
    health_checks checks_;                                       ///< what the last lab was like
    health_check config_check_;
    std::vector<recipe> recipes_;
    web::document subjects_;
    figures figures_;
    self_facts self_;
    bool is_started_ = false;
    lifeline alive_;             ///< the history may call back later
    std::unique_ptr<lane> lane_; // last: what it calls is there for all of its life
};

} // namespace finwait::daemon
