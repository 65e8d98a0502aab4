#include "web/handlers.hpp"

#include "probe/ulid.hpp"
#include "web/json/json.hpp"
#include "web/json/nearest.hpp"
#include "web/json/service.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <new>

namespace finwait::web {

namespace {

constexpr std::size_t longest_page = 100;

const std::string* parameter(const request& wanted, std::string_view key)
{
    for (const auto& [name, value] : wanted.where.query)
        if (name == key)
            return &value;
    return nullptr;
}

answer refuse(const request& wanted, std::string detail)
{
    return problem_answer({problem_code::bad_request, std::move(detail)}, wanted.where.path);
}

/// A document, or 404.
answer found(const request& wanted, document what, std::string_view otherwise)
{
    if (what)
        return json_answer(std::move(what));
    return problem_answer({problem_code::not_found, std::string(otherwise)}, wanted.where.path);
}

/// All of a matrix, or what it has of the subject asked for.
answer matrix_answer(const request& wanted, document what, std::string_view otherwise)
{
    if (const auto* subject = parameter(wanted, "subject"); subject && what)
        what = std::make_shared<const std::string>(json::matrix_of_subject(*what, *subject));
    return found(wanted, std::move(what), otherwise);
}

answer text_answer(unsigned status, std::string text)
{
    return {
        status,
        "text/plain; charset=utf-8",
        std::make_shared<const std::string>(std::move(text)),
        {}};
}

/// The first 128 bits of a SHA-256, as an entity tag.
std::string tag_of(std::string_view text)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
        throw std::bad_alloc(); // the only way in which a digest in memory can fail
    return fmt::format("\"{:02x}\"", fmt::join(digest.begin(), digest.begin() + 16, ""));
}

/// RFC 9110 13.1.2: a list of tags compared weakly, or `*`.
bool is_among(std::string_view tag, std::string_view if_none_match)
{
    if (if_none_match == "*")
        return true;
    while (!if_none_match.empty()) {
        const auto comma = std::min(if_none_match.find(','), if_none_match.size());
        auto each = if_none_match.substr(0, comma);
        if_none_match.remove_prefix(std::min(comma + 1, if_none_match.size()));
        each.remove_prefix(std::min(each.find_first_not_of(" \t"), each.size()));
        each = each.substr(0, each.find_last_not_of(" \t") + 1);
        if (each.starts_with("W/"))
            each.remove_prefix(2);
        if (each == tag)
            return true;
    }
    return false;
}

} // namespace

answer get_livez(const request&, const backend&)
{
    return text_answer(200, "ok\n");
}

answer get_readyz(const request& wanted, const backend& from)
{
    const auto checks = from.readiness();
    const bool ready = std::none_of(checks.begin(), checks.end(), [](const auto& each) {
        return each.second.status == health::fail;
    });
    std::string text;
    if (parameter(wanted, "verbose"))
        for (const auto& [name, check] : checks) {
            const bool good = check.status != health::fail;
            text += fmt::format("[{}]{} {}", good ? '+' : '-', name, good ? "ok" : "failed");
            text += check.detail.empty() ? "\n" : ": " + check.detail + "\n";
        }
    return text_answer(ready ? 200 : 503, text + (ready ? "ok\n" : "not ready\n"));
}

answer get_status(const request& wanted, const backend& from)
{
    const auto status = from.status();
    const auto tag = tag_of(json::dump(status, json::self_part::without));
    auto out = is_among(tag, wanted.if_none_match)
                   ? answer{304, "", nullptr, {}}
                   : json_answer(std::make_shared<const std::string>(json::dump(status)));
    out.fields.emplace_back("ETag", tag);
    return out;
}

answer get_audits(const request& wanted, const backend& from)
{
    audit_query query;
    if (const auto* limit = parameter(wanted, "limit"); limit) {
        const auto* end = limit->data() + limit->size();
        const auto [rest, error] = std::from_chars(limit->data(), end, query.limit);
        if (error != std::errc() || rest != end || query.limit < 1 || query.limit > longest_page)
            return refuse(wanted, "limit must be a whole number from 1 to 100");
    }
    if (const auto* cursor = parameter(wanted, "cursor"); cursor) {
        if (!is_ulid(*cursor))
            return refuse(wanted, "cursor must be one that an earlier answer gave");
        query.older_than = *cursor;
    }
    if (const auto* outcome = parameter(wanted, "outcome"); outcome) {
        query.outcome = from_word<finwait::outcome>(*outcome);
        if (!query.outcome)
            return refuse(
                wanted,
                "no outcome " + in_quotes(*outcome) + "; " +
                    suggestion(*outcome, words<finwait::outcome>::table)
            );
    }
    const auto page = from.audits(query);
    auto out = json_answer(std::make_shared<const std::string>(json::dump(page)));
    if (page.next) {
        auto link = fmt::format("</api/v1/audits?limit={}&cursor={}", query.limit, *page.next);
        if (query.outcome)
            link += fmt::format("&outcome={}", word(*query.outcome));
        out.fields.emplace_back("Link", link + ">; rel=\"next\"");
    }
    return out;
}

answer get_latest_audit(const request& wanted, const backend& from)
{
    return found(wanted, from.latest_audit(), "no audit has ended yet");
}

answer get_audit(const request& wanted, const backend& from)
{
    const auto what = is_ulid(wanted.id) ? from.audit(wanted.id) : nullptr;
    return found(wanted, what, "there is no audit with that id, or no longer");
}

answer get_report(const request& wanted, const backend& from)
{
    const auto what = is_ulid(wanted.id) ? from.report(wanted.id) : nullptr;
    return found(wanted, what, "there is no report with that id, or no longer");
}

answer get_matrix(const request& wanted, const backend& from)
{
    const auto* audit = parameter(wanted, "audit");
    if (!audit || *audit == "latest")
        return matrix_answer(wanted, from.latest_matrix(), "no audit has ended yet");
    if (!is_ulid(*audit))
        return refuse(wanted, "audit must be latest or the id of an audit");
    return matrix_answer(
        wanted, from.matrix(*audit), "there is no audit with that id, or no longer"
    );
}

} // namespace finwait::web
