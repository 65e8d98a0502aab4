// A backend with two audits, three reports, a finding and a status that tests change. It does not
// probe: what it is told to start runs until a test says that it is over.
#pragma once

#include "web/backend.hpp"
#include "web/records.hpp"

#include <map>
#include <vector>

namespace finwait::web {

class fake_backend : public backend
{
public:
    /// With `tests/support/samples.hpp`'s audit as the latest and a clean one before it.
    fake_backend();

    service_status status() const override;
    health_checks readiness() const override { return ready; }
    metrics_snapshot metrics() const override { return numbers; }
    page audits(const audit_query& wanted) const override;
    document audit(std::string_view id) const override;
    document latest_audit() const override;
    document diff(std::string_view id, std::string_view against) const override;
    document matrix(const matrix_query& wanted) const override;
    page reports(const report_query& wanted) const override;
    document report(std::string_view id) const override;
    document report_log(std::string_view id) const override;
    page findings(const finding_query& wanted) const override;
    document probe(std::string_view id) const override;
    document subjects() const override;
    document targets() const override;
    document config() const override;
    bool is_underway(std::string_view id) const override;
    outcome_of<accepted> start_audit(const audit_order& wanted, const peer& by) override;
    outcome_of<done> cancel_audit(std::string_view id, const peer& by) override;
    outcome_of<accepted> start_probe(const plan& wanted, const peer& by) override;
    outcome_of<done> cancel_probe(std::string_view id, const peer& by) override;
    outcome_of<document> reload_config(const peer& by) override;
    event_log& events() override { return log; }

    /// What runs has ended: an audit becomes one like the sample, a probe is done.
    void end(const std::string& id);

    service_status now;
    health_checks ready;
    metrics_snapshot numbers;
    std::vector<finwait::audit> kept; ///< newest first
    std::size_t padding_bytes = 0;    ///< of spaces behind each audit, to make it long
    event_log log{1'700'000'000'000'000, 16};
    std::map<std::string, audit_record, std::less<>> running;
    std::map<std::string, probe_record, std::less<>> probes;
    std::vector<audit_order> orders; ///< what was asked for, in order
    std::vector<peer> askers;        ///< of every write
    mutable std::vector<report_query> report_queries;
    mutable std::size_t times_asked_for_status = 0;
    std::size_t room = 3; ///< how many may be under way
    problem refused{};    ///< what reload answers, when it has a detail
    finding_state state = finding_state::still_there;
};

} // namespace finwait::web
