// The documents of the history that are not simply reports and audits: findings with their life,
// matrices and differences made of tallies.
#pragma once

#include "web/backend.hpp"
#include "web/json/json.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::json {

/// Where and how a probe died, in the words of its plan.
struct cell_words
{
    std::string at;
    std::string by;
    std::string subject;
    std::string target;
    std::string family;
    bool tls = false;
    bool unread = false;
    bool blocked = false;
    std::string request_framing;
    std::string response_framing;
    std::string signal_to;
    std::string after;

    friend auto operator<=>(const cell_words&, const cell_words&) = default;
};

/// What came of all probes of one cell in one audit.
struct cell_results
{
    cell_words cell;
    bool control = false;
    std::map<finwait::verdict, std::uint64_t> verdicts; ///< how many of each; absent: none
    /// Every end that there was, each once; empty: there was none.
    std::vector<std::string> ends;
    std::string expected; ///< JSON, of the first
    bool as_expected = true;
    bool finding = false;             ///< one of them is
    std::vector<std::string> reports; ///< ids of them, as far as they are known

    finwait::verdict worst() const;
    bool is_judged() const; ///< one of them is
};

/// Which audit something is of.
struct audit_words
{
    std::string id;
    std::string name;
    std::chrono::system_clock::time_point started;
    finwait::outcome outcome = finwait::outcome::unverified;
};

/// A finding's life.
struct finding_life
{
    std::string id; ///< of the first report
    std::string audit_name;
    web::finding_state state = web::finding_state::new_;
    cell_words cell;
    std::string verdict;  ///< of the last report that found it, as `end`, `expected`, `reasons`
    std::string end;      ///< empty: none
    std::string expected; ///< JSON
    std::string reasons;  ///< JSON
    std::chrono::system_clock::time_point first_seen;
    std::chrono::system_clock::time_point last_seen;
    std::optional<std::chrono::system_clock::time_point> gone_since;
    std::uint64_t seen_in = 0; ///< audits
    std::string first_audit;
    std::string last_audit; ///< the last one that ran its cell
    std::string last_report;
};

/// `{"verdicts":[…],"end":…}`, as reports have it.
std::string dump(const expectation& what);

/// `finwait.matrix/1`. As dump_matrix() of an audit with its reports, in the order given.
std::string dump_matrix(const audit_words& of, const std::vector<cell_results>& cells);

/// `finwait.diff/1`: what is another in `after` than in `before`. A cell stands in one list only:
/// `new` finding, `fixed`, `still_there`, `changed` (verdicts or ends), or in one of them only.
/// Findings that one of the two could not judge or did not run are `changed` or `only_…`, never
/// `fixed`.
std::string dump_diff(
    const audit_words& after,
    const std::vector<cell_results>& cells_after,
    const audit_words& before,
    const std::vector<cell_results>& cells_before
);

/// `finwait.finding/1`.
std::string dump(const finding_life& what);

/// One line of a list of reports, for a person.
struct report_summary
{
    std::string id;
    std::chrono::system_clock::time_point started;
    std::string at;
    std::string by;
    std::string subject;
    std::string target;
    bool tls = false;
    bool control = false;
    std::string verdict;
    std::optional<std::string> end;
    bool as_expected = false;
};

/// A page of documents: their texts and where the list goes on.
struct page_of_texts
{
    std::vector<std::string> items;
    std::optional<std::string> next;
};

/// A page `{"schema":"finwait.NAME/1","NAME":[…],"next":…}`. Keys that are not known are passed
/// over, here and below: whoever wrote it may be newer.
parsed<page_of_texts> parse_page(std::string_view name, std::string_view text);
parsed<report_summary> parse_report_summary(std::string_view text);

/// The `id` of a document; empty when it has none.
std::string id_of(std::string_view text);

/// A difference, for a person.
struct diff_entry
{
    cell_words cell;
    std::string before; ///< `released TIME_WAIT`; empty: it was not run
    std::string after;
};
struct diff_summary
{
    std::string after;
    std::string before;
    std::vector<diff_entry> new_ones;
    std::vector<diff_entry> fixed;
    std::vector<diff_entry> still_there;
    std::vector<diff_entry> changed;
    std::vector<diff_entry> only_after;
    std::vector<diff_entry> only_before;
    std::uint64_t unchanged = 0;
};
parsed<diff_summary> parse_diff(std::string_view text);

} // namespace finwait::json
