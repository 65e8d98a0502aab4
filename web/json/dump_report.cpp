// One report.
#include "web/json/json.hpp"
#include "web/json/render.hpp"
#include "web/json/time.hpp"

#include <fmt/format.h>

namespace finwait::json {

document render(const look& what)
{
    return document{
        {"state", word(what.state)},
        {"owned", what.owned},
        {"minisock", what.minisock},
        {"timer", word(what.timer)},
        {"expires_ms", what.expires_ms},
        {"rqueue", what.rqueue},
        {"wqueue", what.wqueue},
        {"retransmits", what.retransmits},
        {"at_ns", what.at_ns},
    };
}

document render(const interval& what)
{
    return document{
        {"state", word(what.state)},
        {"from_ns", what.from_ns},
        {"to_ns", render(what.to_ns)},
        {"uncertain_ns", what.uncertain_ns},
        {"owned", what.owned},
        {"minisock", what.minisock},
        {"source", word(what.source)},
    };
}

document render(const holder& what)
{
    return document{{"pid", what.pid}, {"fd", what.fd}, {"command", what.command}};
}

document render(const reason& what)
{
    return document{{"code", what.code}, {"text", what.text}, {"source", what.source}};
}

document render(const end& what)
{
    return document{
        {"cookie", fmt::format("{:#x}", what.cookie)},
        {"local", to_string(what.local)},
        {"peer", to_string(what.peer)},
        {"inode", what.inode},
        {"unread_at_kill_bytes", what.unread_at_kill_bytes},
        {"unsent_at_kill_bytes", what.unsent_at_kill_bytes},
        {"timeline", render_list(what.states)},
        {"after_kill", render(what.after_kill)},
        {"after_origin", render(what.after_origin)},
        {"port",
         {{"bindable_after_kill", render(what.port.bindable_after_kill)},
          {"bindable_after_origin", render(what.port.bindable_after_origin)},
          {"error", what.port.error}}},
        {"holders", render_list(what.holders)},
    };
}

document render(const connection& what)
{
    return document{
        {"client", render(what.client)},
        {"origin", render(what.origin)},
        {"request_bytes", what.request_bytes},
        {"response_bytes", what.response_bytes},
        {"complete", what.complete},
        {"verdict", word(what.verdict)},
        {"end", render(what.end_state)},
        {"gone_by_ns", render(what.gone_by_ns)},
    };
}

document render(const process_record& what)
{
    return document{
        {"pid", what.pid},
        {"command", document(what.command)},
        {"ended", what.ended},
        {"lives", what.lives},
        {"done", what.is_done},
        {"baseline", render(what.baseline)},
        {"baseline_source", render(what.baseline_source)},
        {"zombie_fds", what.zombie_fds},
        {"new_zombie_fds", what.new_zombie_fds},
        {"extra_requests", what.extra_requests},
        {"works", render(what.works)},
        {"output", what.output},
    };
}

document render(const expectation& what)
{
    return document{
        {"verdicts", render_list(what.verdicts)},
        {"end", render(what.end_state)},
    };
}

document render(const counter_deltas& what)
{
    auto counters = document::object();
    for (const auto& [name, delta] : what)
        counters.push_back({name, delta});
    return counters;
}

document render(const report& what)
{
    return document{
        {"schema", "finwait.report/1"},
        {"id", what.id},
        {"started", to_text(what.started)},
        {"took_ns", what.took_ns},
        {"control", what.control},
        {"plan", render(what.plan)},
        {"kill",
         {{"happened", what.kill.happened},
          {"confirmed_by", what.kill.confirmed_by},
          {"at_ns", render(what.kill.at_ns)}}},
        {"connections", render_list(what.connections)},
        {"process", render(what.process)},
        {"counters", render(what.counters)},
        {"verdict", word(what.verdict)},
        {"end", render(what.end_state)},
        {"expected", render(what.expected)},
        {"as_expected", what.as_expected},
        {"reasons", render_list(what.reasons)},
        {"warnings", document(what.warnings)},
    };
}

std::string dump(const report& what)
{
    return to_text(render(what));
}

} // namespace finwait::json
