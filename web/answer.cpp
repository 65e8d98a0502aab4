#include "web/answer.hpp"

#include "web/json/service.hpp"

#include <boost/beast/http/status.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

namespace finwait::web {

namespace {

/// On every answer. No `Access-Control-Allow-…`, ever: no other site may read anything.
constexpr std::string_view usual_fields =
    "X-Content-Type-Options: nosniff\r\n"
    "Cache-Control: no-store\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'\r\n";

/// IMF-fixdate, RFC 9110 5.6.7. The locale is never set, so the names are English.
std::string date_now()
{
    return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::time(nullptr)));
}

} // namespace

answer json_answer(document body)
{
    return {200, "application/json", std::move(body), {}};
}

answer problem_answer(const problem& what, std::string_view instance)
{
    answer out{
        status_of(what.code),
        "application/problem+json",
        std::make_shared<const std::string>(json::dump(what, instance)),
        {}};
    if (what.code == problem_code::read_only_listener)
        out.fields.emplace_back("Allow", "GET, HEAD, OPTIONS");
    if (what.code == problem_code::busy)
        out.fields.emplace_back("Retry-After", "1");
    return out;
}

std::string head_of(const answer& what, then next)
{
    const auto reason =
        boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(what.status));
    auto head = fmt::format(
        "HTTP/1.1 {} {}\r\nDate: {}\r\n", what.status, std::string_view(reason), date_now()
    );
    if (!what.content_type.empty())
        head += fmt::format(
            "Content-Type: {}\r\nContent-Length: {}\r\n", what.content_type, what.body->size()
        );
    for (const auto& [name, value] : what.fields)
        head += fmt::format("{}: {}\r\n", name, value);
    head += usual_fields;
    if (next == then::close)
        head += "Connection: close\r\n";
    return head += "\r\n";
}

} // namespace finwait::web
