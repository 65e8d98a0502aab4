#include "web/json/openapi.hpp"

#include "web/exposition.hpp"
#include "web/json/render.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

namespace finwait::json {

namespace {

using web::answer_kind;
using web::audience;
using web::method;
using web::operation;

template <class Enum>
document words_schema()
{
    return {{"enum", words<Enum>::table}};
}

document id_schema()
{
    return {{"type", "string"}, {"pattern", "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"}};
}

document name_schema()
{
    return {{"type", "string"}, {"pattern", "^[a-z0-9_:-]{1,80}$"}};
}

document audit_name_schema()
{
    return {{"type", "string"}, {"pattern", "^([a-z0-9_:-]{1,80}|ad hoc)$"}};
}

document duration_schema()
{
    return {{"type", "string"}, {"pattern", "^(0|[0-9]+(ms|s|m))$"}};
}

struct parameter
{
    std::string description;
    document schema;
};

/// What the query keys mean, which is the same wherever they are known.
const std::map<std::string_view, parameter>& parameters()
{
    static const std::map<std::string_view, parameter> known{
        {"limit",
         {"how many at most",
          {{"type", "integer"}, {"minimum", 1}, {"maximum", 100}, {"default", 20}}}},
        {"cursor", {"where an earlier page said that the list goes on", id_schema()}},
        {"outcome", {"only audits with that outcome", words_schema<outcome>()}},
        {"name",
         {"only of audits of that name; `ad hoc`: of those without one", audit_name_schema()}},
        {"target", {"only of that target", name_schema()}},
        {"subject", {"only of that subject", name_schema()}},
        {"at", {"only of that kill point", words_schema<kill_point>()}},
        {"by", {"only of that kill method", words_schema<kill_method>()}},
        {"framing", {"only of that framing of the request", words_schema<framing>()}},
        {"verdict", {"only of that verdict", words_schema<verdict>()}},
        {"as_expected", {"only those that are, or are not", {{"type", "boolean"}}}},
        {"state", {"only in that part of its life", words_schema<web::finding_state>()}},
        {"audit", {"only of the audit with that id; a matrix also of the latest", name_schema()}},
        {"against", {"the id of the earlier audit", id_schema()}},
        {"index",
         {"answer once the status's index is another one", {{"type", "integer"}, {"minimum", 0}}}},
        {"wait",
         {"but after this time in any case (at most 60s; without it 30s)", duration_schema()}},
        {"wait_for", {"answer once the status is that good", words_schema<health>()}},
        {"timeout",
         {"but after this time in any case (at most 60s; without it 30s)", duration_schema()}},
        {"verbose", {"a line per check", {{"type", "string"}}}},
    };
    return known;
}

document reference(std::string_view kind, std::string_view name)
{
    return {{"$ref", "#/components/" + std::string(kind) + "/" + std::string(name)}};
}

document media(std::string_view type, document schema)
{
    return {{std::string(type), {{"schema", std::move(schema)}}}};
}

/// What stands in braces in a path, and the query keys.
document render_parameters(const operation& what)
{
    auto list = document::array();
    const auto open = what.pattern.find('{');
    if (open != std::string_view::npos) {
        const auto name = what.pattern.substr(open + 1, what.pattern.find('}') - open - 1);
        list.push_back(
            {{"name", name},
             {"in", "path"},
             {"required", true},
             {"schema", name == "id" ? id_schema() : document{{"type", "string"}}}}
        );
    }
    for (const auto key : web::parameters_of(what)) {
        auto schema = key == "audit" ? document{{"type", "string"}} : parameters().at(key).schema;
        list.push_back(
            {{"name", key},
             {"in", "query"},
             {"required", key == "against"},
             {"description", parameters().at(key).description},
             {"schema", std::move(schema)}}
        );
    }
    return list;
}

document content_of(const operation& what)
{
    const document text{{"type", "string"}};
    switch (what.kind) {
    case answer_kind::json: {
        auto content = media("application/json", reference("schemas", what.schema));
        constexpr std::array lists{
            "audits", "reports", "findings", "subjects", "targets", "matrix"};
        if (std::find(lists.begin(), lists.end(), what.schema) != lists.end())
            content["text/plain"] = {{"schema", text}};
        return content;
    }
    case answer_kind::text:
        return media("text/plain", text);
    case answer_kind::metrics: {
        auto content = media("text/plain", text);
        content[std::string(web::open_metrics_type)] = {{"schema", text}};
        return content;
    }
    case answer_kind::events:
        return media("text/event-stream", text);
    case answer_kind::schema:
        break;
    }
    const bool is_schema = what.pattern.find('{') != std::string_view::npos;
    return media(is_schema ? "application/schema+json" : "application/json", {{"type", "object"}});
}

document header(std::string_view description)
{
    return {{"description", description}, {"schema", {{"type", "string"}}}};
}

document success_of(const operation& what)
{
    document out{{"description", what.summary}, {"content", content_of(what)}};
    if (what.success == 202 && what.method == method::post)
        out["headers"] = {{"Location", header("where it can be asked for")}};
    if (what.schema == "status")
        out["headers"] = {{"ETag", header("of everything but self")}};
    if (std::count(what.parameters.begin(), what.parameters.end(), "cursor") > 0)
        out["headers"] = {{"Link", header("rel=next, when there are more")}};
    return out;
}

document responses_of(const operation& what)
{
    document out;
    out[std::to_string(what.success)] = success_of(what);
    if (what.success == 202 && what.method == method::post)
        out["200"] = {
            {"description", "With Prefer: wait, when it was over in time."},
            {"content", content_of(what)}};
    if (what.schema == "status")
        out["304"] = {{"description", "The status is still that of If-None-Match."}};
    if (what.pattern == "/readyz")
        out["503"] = {{"description", "It cannot."}, {"content", content_of(what)}};
    out["default"] = reference("responses", "problem");
    return out;
}

document operation_of(const operation& what)
{
    document out{{"summary", what.summary}};
    if (what.whom == audience::unix_socket)
        out["description"] = "On the Unix socket only.";
    else if (what.method != method::get)
        out["description"] = "Over TCP only where the configuration has a token for it.";
    if (auto list = render_parameters(what); !list.empty())
        out["parameters"] = std::move(list);
    if (what.method == method::post)
        out["requestBody"] = {
            {"required", what.body != "nothing"},
            {"content",
             media(
                 "application/json",
                 what.body == "nothing"
                     ? document{{"type", "object"}, {"additionalProperties", false}}
                     : reference("schemas", what.body)
             )}};
    out["responses"] = responses_of(what);
    return out;
}

std::string_view word_of(method how)
{
    if (how == method::post)
        return "post";
    return how == method::delete_ ? "delete" : "get";
}

/// References between the schemas are to their ids, those within one to its root; here both are to
/// their places.
std::string place_of(std::string_view reference, std::string_view schema)
{
    constexpr std::string_view base = "https://finwait.invalid/schemas/";
    const std::string schemas = "#/components/schemas/";
    if (reference.starts_with("#"))
        return schemas + std::string(schema) + std::string(reference.substr(1));
    reference.remove_prefix(base.size());
    return schemas + std::string(reference.substr(0, reference.rfind(".json")));
}

void relocate(document& what, std::string_view schema)
{
    if (what.is_object() && what.contains("$ref"))
        what["$ref"] = place_of(what["$ref"].get<std::string>(), schema);
    if (what.is_structured())
        for (auto& part : what)
            relocate(part, schema);
}

document schemas_of(std::span<const web::schema_file> schemas)
{
    auto out = document::object();
    for (const auto& each : schemas) {
        auto schema = document::parse(each.text);
        schema.erase("$schema");
        schema.erase("$id");
        relocate(schema, each.name);
        out[std::string(each.name)] = std::move(schema);
    }
    return out;
}

} // namespace

std::string
openapi(std::span<const web::operation> operations, std::span<const web::schema_file> schemas)
{
    auto paths = document::object();
    for (const auto& each : operations)
        paths[std::string(each.pattern)][std::string(word_of(each.method))] = operation_of(each);
    return to_text(document{
        {"openapi", "3.1.0"},
        {"info",
         {{"title", "finwait"},
          {"version", FINWAIT_VERSION},
          {"description",
           "What happens to the sockets of HTTP requests that die half way. Over TCP everything "
           "can be read; what changes something is for the Unix socket."}}},
        {"paths", std::move(paths)},
        {"components",
         {{"responses",
           {{"problem",
             {{"description", "What was wrong, RFC 9457."},
              {"content", media("application/problem+json", reference("schemas", "problem"))}}}}},
          {"schemas", schemas_of(schemas)}}},
    });
}

} // namespace finwait::json
