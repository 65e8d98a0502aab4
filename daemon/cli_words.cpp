#include "daemon/cli_words.hpp"

#include "daemon/quantity.hpp"

namespace finwait::daemon {

std::uint64_t
count(std::string_view option, const std::string& text, std::uint64_t least, std::uint64_t most)
{
    const auto number = parse_count(text, least, most);
    if (!number)
        throw usage_error(
            fmt::format("{}: {} is no number from {} to {}", option, in_quotes(text), least, most)
        );
    return *number;
}

std::chrono::milliseconds duration(std::string_view option, const std::string& text)
{
    const auto read = parse_duration(text);
    if (!read)
        throw usage_error(
            fmt::format("{}: {} is no duration; write 500ms, 8s, 5m or 1h", option, in_quotes(text))
        );
    return *read;
}

std::vector<std::string> list(const std::string& text)
{
    return text.empty() ? std::vector<std::string>() : CLI::detail::split(text, ',');
}

void output_words::add_to(CLI::App& to)
{
    to.add_option("-o,--output", form, "table, json or ndjson")->type_name("FORM");
    to.add_option("--color", color, "auto, always or never")->type_name("WHEN");
}

output_options output_words::understood() const
{
    static constexpr std::array<std::string_view, 3> forms{"table", "json", "ndjson"};
    static constexpr std::array<std::string_view, 3> colors{"auto", "always", "never"};
    static constexpr std::array form_values{
        output_form::table, output_form::json, output_form::ndjson};
    static constexpr std::array color_values{
        color_choice::automatic, color_choice::always, color_choice::never};
    return {
        .form = choice("--output", form, forms, form_values),
        .color = choice("--color", color, colors, color_values)};
}

void plan_words::add_to(CLI::App& to, subjects whose)
{
    static constexpr const char* group = "What to probe";
    const auto text = [&](const char* name, auto& into, const char* type, const char* help) {
        to.add_option(name, into, help)->type_name(type)->group(group);
    };
    const auto flag = [&](const char* name, bool& into, const char* help) {
        to.add_flag(name, into, help)->group(group);
    };
    text("--at", at, "POINT", "Where in the exchange it dies");
    text("--by", by, "METHOD", "How it dies");
    if (whose == subjects::one_or_more)
        text(
            "--subject",
            subject,
            "NAME[:MODE]",
            "Whose client: beast (built in), a recipe's, or all recipes'"
        );
    text("--request", words.request, "BODY", "none, length:SIZE or chunked:SIZE");
    text("--response", words.response, "BODY", "length:SIZE, chunked:SIZE, until_close:SIZE");
    text("--method", words.method, "M", "Request method");
    text("--target", words.target, "URL", "A server of your own instead of the lab's origin");
    text("--ca", words.ca, "FILE", "PEM certificates that an https target is verified with");
    text("--tls-min", words.tls_min, "V", "The least TLS to speak with it: 1.2 or 1.3");
    text("--position", words.position, "F", "How far through the body to die, 0 to 1");
    text(
        "--after", words.after, "ACTION", "What the origin does then: close, answer, reset, stall"
    );
    text("--to", words.to, "WHO", "Who gets a signal: leader or group");
    flag("--tls", words.tls, "HTTPS");
    flag("--ipv6", words.ipv6, "Over [::1]");
    flag("--unread", words.unread, "Leave received bytes unread");
    flag("--blocked", words.blocked, "request_body: behind a full receive window");
}

plan_arguments plan_words::understood()
{
    words.at = list(at);
    words.by = list(by);
    words.subject = list(subject);
    return words;
}

} // namespace finwait::daemon
