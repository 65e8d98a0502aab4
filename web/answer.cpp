#include "web/answer.hpp"

#include "web/json/service.hpp"

#include <boost/beast/http/status.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <iterator>

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

/// IMF-fixdate, RFC 9110 5.6.7. The locale is never set, so the names are English. Made once a
/// second: it would be the dearest part of a small answer.
std::string_view date_now()
{
    thread_local std::time_t made = -1;
    thread_local std::string text;
    if (const auto now = std::time(nullptr); now != made) {
        text = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(now));
        made = now;
    }
    return text;
}

std::string_view reason_of(unsigned status)
{
    const auto text =
        boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
    return {text.data(), text.size()};
}

} // namespace

answer json_answer(document body)
{
    return {200, "application/json", std::move(body), {}};
}

answer json_answer(std::string body)
{
    return json_answer(std::make_shared<const std::string>(std::move(body)));
}

answer text_answer(unsigned status, std::string text)
{
    return {
        status,
        "text/plain; charset=utf-8",
        std::make_shared<const std::string>(std::move(text)),
        {}};
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
    if (what.code == problem_code::busy || what.code == problem_code::limit_exceeded)
        out.fields.emplace_back("Retry-After", "1");
    if (what.code == problem_code::unauthenticated)
        out.fields.emplace_back("WWW-Authenticate", "Bearer");
    return out;
}

std::string head_of(const answer& what, then next)
{
    std::string head;
    head.reserve(1024);
    const auto end = std::back_inserter(head);
    fmt::format_to(
        end, "HTTP/1.1 {} {}\r\nDate: {}\r\n", what.status, reason_of(what.status), date_now()
    );
    if (!what.content_type.empty())
        fmt::format_to(
            end,
            "Content-Type: {}\r\nContent-Length: {}\r\n",
            what.content_type,
            what.body ? what.body->size() : 0
        );
    for (const auto& [name, value] : what.fields)
        fmt::format_to(end, "{}: {}\r\n", name, value);
    head += usual_fields;
    if (next == then::close)
        head += "Connection: close\r\n";
    return head += "\r\n";
}

std::string head_of_stream(std::string_view content_type)
{
    return fmt::format(
        "HTTP/1.1 200 OK\r\nDate: {}\r\nContent-Type: {}\r\n{}Connection: close\r\n\r\n",
        date_now(),
        content_type,
        usual_fields
    );
}

} // namespace finwait::web
