// Audits and environments.
#include "web/json/json.hpp"
#include "web/json/render.hpp"
#include "web/json/time.hpp"

namespace finwait::json {

namespace {

/// The verdicts in the order of the documentation, which is not that of severity.
constexpr std::array summary_order{
    verdict::released, verdict::draining, verdict::held, verdict::leaked, verdict::unverified};

document render_summary(const audit& what)
{
    auto summary = document::object();
    for (const auto each : summary_order) {
        const auto counted = what.summary.find(each);
        summary[std::string(word(each))] = counted == what.summary.end() ? 0 : counted->second;
    }
    return summary;
}

} // namespace

document render(const not_run& what)
{
    return document{{"what", what.what}, {"reason", what.reason}, {"cure", what.cure}};
}

document render(const environment& what)
{
    auto sysctls = document::object();
    for (const auto& [name, setting] : what.sysctls)
        sysctls[name] = setting;
    return document{
        {"kernel", what.kernel},
        {"lab", word(what.lab)},
        {"not_run", render_list(what.not_run)},
        {"sysctls", std::move(sysctls)},
        {"capabilities", document(what.capabilities)},
        {"observers", document(what.observers)},
    };
}

document render_head(const audit& what)
{
    document head{
        {"schema", "finwait.audit/1"},
        {"id", what.id},
    };
    if (!what.name.empty())
        head["name"] = what.name;
    head.update(document{
        {"started", to_text(what.started)},
        {"took_ns", what.took_ns},
        {"outcome", word(what.outcome)},
    });
    if (what.interrupted)
        head["interrupted"] = true;
    if (what.reports_left_out != 0)
        head["reports_left_out"] = what.reports_left_out;
    head["summary"] = render_summary(what);
    head["controls"] = {{"planned", what.controls_planned}, {"caught", what.controls_caught}};
    head["findings"] = document(what.findings);
    head["environment"] = render(what.environment);
    return head;
}

std::string dump(const environment& what)
{
    document whole{{"schema", "finwait.environment/1"}};
    whole.update(render(what));
    return to_text(whole);
}

std::string dump_brief(const audit& what)
{
    return to_text(render_head(what));
}

std::string dump(const audit& what)
{
    // Report by report: the whole tree of a large audit would take ten times its text.
    auto text = to_text(render_head(what));
    text.back() = ',';
    text += R"("reports":[)";
    for (const auto& each : what.reports) {
        text += dump(each);
        text += ',';
    }
    if (!what.reports.empty())
        text.pop_back();
    return text += "]}";
}

} // namespace finwait::json
