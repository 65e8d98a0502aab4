// A history of a test's own, and audits for it.
#pragma once

#include "daemon/history/history.hpp"
#include "daemon/status_line.hpp"
#include "probe/ulid.hpp"
#include "tests/unit/daemon/folder.hpp"
#include "tests/unit/daemon/sample.hpp"
#include "web/json/json.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace finwait::daemon::sample {

inline std::chrono::system_clock::time_point now()
{
    // The documents have microseconds.
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

inline std::string new_id()
{
    return make_ulid(std::chrono::system_clock::now());
}

/// An audit of these reports, each with an id of its own, that has just been.
inline audit named(std::string name, std::vector<report> reports)
{
    for (report& each : reports) {
        each.id = new_id();
        each.started = now();
    }
    audit done = concluded(std::move(reports));
    done.id = new_id();
    done.name = std::move(name);
    done.started = now();
    done.took_ns = 1000;
    return done;
}

/// The same id, made that much later. make_ulid() itself never goes back behind its last one.
inline std::string shifted(std::string id, std::chrono::milliseconds by)
{
    constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const auto made = started_from_ulid(id).value_or(now()) + by;
    auto ms = std::chrono::floor<std::chrono::milliseconds>(made).time_since_epoch().count();
    for (std::size_t at = 10; at-- > 0; ms /= 32)
        id[at] = digits[static_cast<std::size_t>(ms % 32)];
    return id;
}

/// The same as if it had been that much later.
inline audit shifted(audit done, std::chrono::seconds by)
{
    const auto move = [by](auto& what) {
        what.started += by;
        what.id = shifted(what.id, by);
    };
    move(done);
    for (report& each : done.reports)
        move(each);
    conclude(done);
    return done;
}

/// A history with the loop that it tells.
class opened
{
public:
    explicit opened(history_settings how = {}) : how_(std::move(how)) { reopen(); }

    void close()
    {
        past.reset();
        poll();
    }
    void reopen()
    {
        close();
        past = history::open(io_, how_, [this](const std::string& text) { log.push_back(text); });
    }
    void poll()
    {
        io_.restart();
        io_.poll();
    }

    void begin(const audit& what) const
    {
        past->begin(
            {.id = what.id,
             .name = what.name,
             .started = what.started,
             .planned = what.reports.size()}
        );
    }
    void add(const audit& to, const report& what)
    {
        past->add(to.id, what, json::dump(what), [this](bool is_stored) {
            ++(is_stored ? stored : lost);
        });
    }
    /// From its beginning to its end.
    void store(const audit& done)
    {
        begin(done);
        for (const report& each : done.reports)
            add(done, each);
        past->end(done);
        settle();
    }
    /// Until all of it is written, and told.
    void settle()
    {
        past->flush();
        poll();
    }

    /// Until it is so, or a minute has passed; looks again whenever it is told something.
    bool wait_until(const std::function<bool()>& so)
    {
        const auto more = boost::asio::make_work_guard(io_);
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        io_.restart();
        while (!so() && io_.run_one_until(until) != 0) {
        }
        return so();
    }

    history* operator->() const { return past.get(); }

    std::unique_ptr<history> past;
    std::vector<std::string> log;
    unsigned stored = 0;
    unsigned lost = 0;

private:
    history_settings how_;
    boost::asio::io_context io_{1};
};

/// The settings of a history in that folder.
inline history_settings in(const folder& where)
{
    return {.path = where.path() + "/history.db"};
}

/// Its text, or that there is none.
inline std::string text(const web::document& what)
{
    return what ? *what : "(none)";
}

inline std::vector<std::string> texts(const web::page& page)
{
    std::vector<std::string> all;
    for (const auto& each : page.items)
        all.push_back(*each);
    return all;
}

/// All items of a list, page by page; the ids have to fall.
template <class Query, class Ask>
std::vector<std::string> all_pages(Query wanted, Ask ask)
{
    std::vector<std::string> all;
    for (int pages = 0; pages < 100'000; ++pages) {
        const web::page page = ask(wanted);
        REQUIRE(page.items.size() <= wanted.limit);
        for (const auto& each : page.items)
            all.push_back(*each);
        if (!page.next)
            return all;
        REQUIRE((!wanted.older_than || *page.next < *wanted.older_than));
        wanted.older_than = page.next;
    }
    FAIL("the list has no end");
    return all;
}

/// Runs something in a process of its own, which is a copy of this one; gives what it returns, or
/// how it died. No thread may run here.
std::string in_child(const std::function<std::string()>& work);

} // namespace finwait::daemon::sample
