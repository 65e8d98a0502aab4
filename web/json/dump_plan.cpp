// Plans, and what is said about lines that are none.
#include "web/json/json.hpp"
#include "web/json/render.hpp"

namespace finwait::json {

document render(const tls_settings& what)
{
    return document{
        {"ca", what.ca.empty() ? document() : document(what.ca)}, {"min", word(what.min)}};
}

document render(const plan& what)
{
    document out{
        {"at", word(what.at)},
        {"by", word(what.by)},
        {"subject", what.subject},
        {"target", what.target},
        {"family", word(what.family)},
        {"tls", what.tls},
        {"unread", what.unread},
        {"blocked", what.blocked},
        {"position", what.position},
        {"request",
         {{"method", what.method},
          {"framing", word(what.request.how)},
          {"body_bytes", what.request.bytes}}},
        {"response", {{"framing", word(what.response.how)}, {"body_bytes", what.response.bytes}}},
        {"requests", what.requests},
        {"signal_to", word(what.signal_to)},
        {"after", word(what.after)},
    };
    if (what.target_tls)
        out["target_tls"] = render(*what.target_tls);
    return out;
}

document render(const subject::client_order& what)
{
    auto variables = document::object();
    for (const auto& [name, text] : what.variables)
        variables[name] = text; // the last of a name holds, as in an environment
    auto settle = document::array();
    for (const auto each : what.settle)
        settle.push_back(each.count());
    return document{
        {"command", document(what.command)},
        {"env", std::move(variables)},
        {"cwd", what.directory},
        {"driver", what.is_driver},
        {"hold", what.hold},
        {"release_hold", what.release_hold},
        {"settle_ms", std::move(settle)},
        {"timeout_ms", what.timeout.count()},
        {"own_timeout_ms", what.own_timeout.count()},
        {"baseline", render(what.baseline)},
        {"success_command", document(what.success_command)},
        {"success_requests", what.success_requests},
        {"retries", render(what.retries)},
        {"survives", render(what.survives)},
        {"misuse", what.is_misuse},
    };
}

std::string to_text(const document& what)
{
    return what.dump(-1, ' ', false, document::error_handler_t::replace);
}

std::string dump(const plan& what)
{
    return to_text(render(what));
}

std::string dump(const plan_line& what)
{
    auto line = render(what.plan);
    if (what.id)
        line["id"] = *what.id;
    if (what.client)
        line["client"] = render(*what.client);
    return to_text(line);
}

std::string
dump_error(std::uint64_t line, const std::optional<std::string>& id, const parse_error& why)
{
    return to_text(document{
        {"schema", "finwait.error/1"},
        {"line", line},
        {"field", why.field},
        {"detail", why.detail},
        {"id", render(id)},
    });
}

} // namespace finwait::json
