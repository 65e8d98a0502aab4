// Plans, looks and reports that the judge's tests are made of.
#pragma once

#include "probe/judge/expectation.hpp"
#include "probe/judge/judge.hpp"
#include "probe/judge/verdict.hpp"
#include "probe/model/possible.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <functional>

namespace finwait::judge::samples {

/// A plan by point and method, completed; `tls` where the point needs it.
inline plan plan_of(kill_point at, kill_method by)
{
    plan made;
    made.at = at;
    made.by = by;
    made.tls = at == kill_point::tls_handshake || at == kill_point::tls_shutdown;
    return completed(made);
}

/// Calls `visit` for every possible plan of a product of everything a plan can say.
inline void for_every_possible(const std::function<void(const plan&)>& visit)
{
    constexpr std::array requests{
        body{}, body{framing::length, 64 * kibibyte}, body{framing::chunked, 8 * mebibyte}};
    constexpr std::array responses{
        body{},
        body{framing::length, 64 * kibibyte},
        body{framing::chunked, 64 * kibibyte},
        body{framing::until_close, 64 * kibibyte}};
    plan made;
    for (const char* target : {"origin", "http://127.0.0.1/", "https://127.0.0.1/"})
        for (const body& request : requests)
            for (const body& response : responses)
                for (made.at = kill_point::resolve; made.at <= kill_point::tls_shutdown;
                     made.at = static_cast<kill_point>(static_cast<int>(made.at) + 1))
                    for (const kill_method by : all_of<kill_method>())
                        for (const after_action after : all_of<after_action>())
                            for (unsigned flags = 0; flags < 8; ++flags) {
                                made.target = target;
                                made.request = request;
                                made.response = response;
                                made.by = by;
                                made.after = after;
                                made.tls = (flags & 1U) != 0;
                                made.unread = (flags & 2U) != 0;
                                made.blocked = (flags & 4U) != 0;
                                made.method = request.how == framing::none ? "GET" : "POST";
                                if (!why_impossible(made))
                                    visit(made);
                            }
}

/// The report of the plan's first course.
inline report foreseen(const plan& done)
{
    return foreseen_report(done, courses_of(done).front());
}

/// `foreseen` with the two looks at the client's end replaced, and with proof of the kill.
inline report with_looks(const plan& done, std::optional<look> first, std::optional<look> second)
{
    report made = foreseen(done);
    made.kill.confirmed_by = "wait status: signal 9";
    REQUIRE(made.connections.size() == 1);
    made.connections.front().client->after_kill = first;
    made.connections.front().client->after_origin = second;
    return made;
}

enum class owner { none, someone };

inline look seen_in(tcp_state state, owner who = owner::none)
{
    side end;
    end.state = state;
    end.owned = who == owner::someone;
    const bool waits = state == tcp_state::TIME_WAIT || state == tcp_state::FIN_WAIT2;
    end.minisock = waits && !end.owned;
    return look_at(end, /*at_ns=*/10'000'000);
}

inline judgement judged(const report& seen)
{
    return judge(seen, kernel_settings{}, std::nullopt);
}

inline bool has_code(const std::vector<reason>& reasons, std::string_view code)
{
    return std::ranges::any_of(reasons, [&](const reason& each) { return each.code == code; });
}

/// A plan in words, for a failed check.
inline std::string in_words(const plan& what)
{
    std::string text(word(what.at));
    text.append(" ").append(word(what.by)).append(what.tls ? " tls" : "");
    text.append(what.unread ? " unread" : "").append(what.blocked ? " blocked" : "");
    text.append(" request ").append(word(what.request.how)).append(" response ");
    text.append(word(what.response.how)).append(" after ").append(word(what.after));
    return text.append(" target ").append(what.target);
}

} // namespace finwait::judge::samples
