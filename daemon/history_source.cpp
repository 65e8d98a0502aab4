#include "daemon/history_source.hpp"

#include "daemon/errors.hpp"
#include "daemon/history/reader.hpp"
#include "web/json/history.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace finwait::daemon {

namespace {

constexpr std::chrono::seconds limit_of_one_request{15};

web::document made(std::string text)
{
    return std::make_shared<const std::string>(std::move(text));
}

class file_source final : public history_source
{
public:
    explicit file_source(const std::string& path) : file_(path) {}

    web::page audits(const web::audit_query& wanted) override
    {
        return ask([&](const history_reader& from) { return from.audits(wanted); });
    }
    web::document audit(const std::string& id) override
    {
        return ask([&](const history_reader& from) {
            return id == "latest" ? from.latest_audit() : from.audit(id);
        });
    }
    web::document diff(const std::string& id, const std::string& against) override
    {
        return ask([&](const history_reader& from) { return from.diff(id, against); });
    }
    web::page reports(const web::report_query& wanted) override
    {
        return ask([&](const history_reader& from) { return from.reports(wanted); });
    }
    web::document report(const std::string& id) override
    {
        return ask([&](const history_reader& from) { return from.report(id); });
    }
    web::page findings(const web::finding_query& wanted) override
    {
        return ask([&](const history_reader& from) { return from.findings(wanted); });
    }

private:
    template <class Ask>
    auto ask(Ask what) -> decltype(what(std::declval<const history_reader&>()))
    {
        try {
            return what(file_.read());
        } catch (const sqlite_error& error) {
            throw no_answer(fmt::format("the history cannot be read: {}", error.what()));
        }
    }

    history_file file_;
};

/// The query of a target: only what is set. Values are words, names and ids; the rest is encoded.
class query_text
{
public:
    query_text& add(std::string_view key, const std::optional<std::string>& value)
    {
        if (value)
            text_ += fmt::format("{}{}={}", text_.empty() ? '?' : '&', key, encoded(*value));
        return *this;
    }
    template <class Enum>
    requires std::is_enum_v<Enum> query_text&
    add(std::string_view key, const std::optional<Enum>& value)
    {
        return value ? add(key, std::optional(std::string(word(*value)))) : *this;
    }
    query_text& add(const web::page_query& page)
    {
        add("cursor", page.older_than);
        return add("limit", std::optional(std::to_string(page.limit)));
    }
    const std::string& text() const { return text_; }

private:
    static std::string encoded(const std::string& value)
    {
        std::string out;
        for (const char each : value) {
            // RFC 3986 2.3: unreserved. In ASCII, whatever the locale.
            static constexpr std::string_view plain =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
            if (plain.find(each) != std::string_view::npos)
                out += each;
            else
                out += fmt::format("%{:02X}", static_cast<unsigned char>(each));
        }
        return out;
    }

    std::string text_;
};

class daemon_source final : public history_source
{
public:
    explicit daemon_source(daemon_place where) : where_(std::move(where)) {}

    web::page audits(const web::audit_query& wanted) override
    {
        return page(
            "audits",
            query_text()
                .add("outcome", wanted.outcome)
                .add("name", wanted.name)
                .add("target", wanted.target)
                .add(wanted)
        );
    }
    web::document audit(const std::string& id) override { return get("/audits/" + id); }
    web::document diff(const std::string& id, const std::string& against) override
    {
        return get(fmt::format("/audits/{}/diff?against={}", id, against));
    }
    web::page reports(const web::report_query& wanted) override
    {
        const auto yes_or_no = [](bool value) {
            return std::string(value ? "true" : "false");
        };
        return page(
            "reports",
            query_text()
                .add("audit", wanted.audit)
                .add("subject", wanted.subject)
                .add("target", wanted.target)
                .add("at", wanted.at)
                .add("by", wanted.by)
                .add("verdict", wanted.verdict)
                .add(
                    "as_expected",
                    wanted.as_expected ? std::optional(yes_or_no(*wanted.as_expected))
                                       : std::nullopt
                )
                .add(wanted)
        );
    }
    web::document report(const std::string& id) override { return get("/reports/" + id); }
    web::page findings(const web::finding_query& wanted) override
    {
        return page(
            "findings", query_text().add("state", wanted.state).add("name", wanted.name).add(wanted)
        );
    }

private:
    web::document get(const std::string& target)
    {
        auto got = ask_daemon(where_, "/api/v1" + target, limit_of_one_request);
        if (got.is_ok())
            return made(std::move(got.body));
        if (got.status == 404)
            return nullptr;
        throw no_answer(
            got.status == 0 ? unreachable_text(where_, got)
                            : fmt::format("the daemon at {} refuses: {}", where_.text, got.problem)
        );
    }

    web::page page(const std::string& name, const query_text& query)
    {
        const auto text = get("/" + name + query.text());
        if (!text)
            return {};
        auto read = json::parse_page(name, *text);
        if (!read)
            throw no_answer(fmt::format(
                "the answer of {} is no list of {}: {} {}",
                where_.text,
                name,
                read.error().field,
                read.error().detail
            ));
        web::page page{.items = {}, .next = read->next};
        for (auto& each : read->items)
            page.items.push_back(made(std::move(each)));
        return page;
    }

    daemon_place where_;
};

} // namespace

std::unique_ptr<history_source> history_source::open(const history_words& where)
{
    if (!where.file)
        return std::make_unique<daemon_source>(place_of(where.daemon));
    if (where.daemon.socket || where.daemon.url)
        throw usage_error("--history reads a file without a daemon: no --socket, no --url");
    return std::make_unique<file_source>(*where.file);
}

} // namespace finwait::daemon
