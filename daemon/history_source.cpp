#include "daemon/history_source.hpp"

#include "daemon/errors.hpp"
#include "daemon/history/reader.hpp"
#include "daemon/output.hpp"
#include "daemon/printable.hpp"
#include "web/json/history.hpp"
#include "web/json/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>
#include <vector>

namespace finwait::daemon {

namespace {

constexpr std::chrono::seconds limit_of_one_request{15};
constexpr std::size_t largest_page = 100;

web::document made(std::string text)
{
    return std::make_shared<const std::string>(std::move(text));
}

class file_source final : public history_source
{
public:
    explicit file_source(const std::string& path) : path_(path), file_(path) {}

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
            if (error.is_busy())
                throw no_answer(
                    fmt::format("the history {} is in use: {}", printable(path_), error.what())
                );
            throw usage_error(why_unreadable(path_, error));
        }
    }

    std::string path_;
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
        return at(place_of(where.daemon));
    if (where.daemon.socket || where.daemon.url)
        throw usage_error("--history reads a file without a daemon: no --socket, no --url");
    return std::make_unique<file_source>(*where.file);
}

std::unique_ptr<history_source> history_source::at(daemon_place where)
{
    return std::make_unique<daemon_source>(std::move(where));
}

std::string id_of_audit(history_source& from, const std::string& id)
{
    if (id != "latest")
        return id;
    // Not the first of the list, whose ids are as old as the clock said.
    const auto found = from.audit(id);
    return found ? json::id_of(*found) : id;
}

std::string with_all_reports(history_source& from, const std::string& text)
{
    auto read = json::parse_audit(text);
    if (!read || read->reports_left_out == 0)
        return text;
    const auto all = read->reports.size() + read->reports_left_out;
    web::report_query wanted;
    wanted.limit = largest_page;
    wanted.audit = read->id;
    std::vector<report> newest_first;
    do {
        const web::page page = from.reports(wanted);
        for (const auto& item : page.items) {
            auto one = json::parse_report(*item);
            if (!one)
                return text;
            newest_first.push_back(std::move(*one));
        }
        wanted.older_than = page.next;
    } while (wanted.older_than);
    read->reports.assign(
        std::make_move_iterator(newest_first.rbegin()), std::make_move_iterator(newest_first.rend())
    );
    read->reports_left_out = all - std::min<std::size_t>(all, read->reports.size());
    return json::dump(*read);
}

void complain_of_missing_reports(const audit& of)
{
    if (of.reports_left_out != 0)
        complain(fmt::format(
            "of its reports {} {} not in the history any more",
            of.reports_left_out,
            of.reports_left_out == 1 ? "is" : "are"
        ));
}

} // namespace finwait::daemon
