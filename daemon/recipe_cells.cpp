// From a recipe to its cells.
#include "daemon/errors.hpp"
#include "daemon/recipe.hpp"
#include "probe/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace finwait::daemon {

namespace {

using replacements = std::vector<std::pair<std::string_view, std::string>>;

// One pass: what is put in is not looked at again.
std::string replaced(std::string_view text, const replacements& known)
{
    std::string out;
    while (!text.empty()) {
        const auto found = std::find_if(known.begin(), known.end(), [&](const auto& each) {
            return text.starts_with(each.first);
        });
        if (found == known.end()) {
            out += text.front();
            text.remove_prefix(1);
        } else {
            out += found->second;
            text.remove_prefix(found->first.size());
        }
    }
    return out;
}

template <class T>
bool is_in(const std::optional<std::vector<T>>& chosen, const T& each)
{
    return !chosen || std::find(chosen->begin(), chosen->end(), each) != chosen->end();
}

template <class T>
bool is_in(const std::vector<T>& list, const T& each)
{
    return std::find(list.begin(), list.end(), each) != list.end();
}

replacements known_in(const recipe& from, const recipe_mode& mode, unsigned requests)
{
    return {
        {"{here}", from.here.string()},
        {"{mode}", mode.name},
        {"{requests}", std::to_string(requests)}};
}

std::vector<std::string>
command_of(const recipe& from, const recipe_mode& mode, const replacements& known)
{
    std::vector<std::string> out;
    for (const std::string& each : mode.command.empty() ? from.command : mode.command)
        out.push_back(replaced(each, known));
    return out;
}

std::string subject_of(const recipe& from, const recipe_mode& mode)
{
    return mode.use == mode_use::matrix ? from.name : fmt::format("{}:{}", from.name, mode.name);
}

// Cells in the making.
struct making
{
    const recipe& from;
    const recipe_mode& mode;
    const choices& chosen;
    std::vector<json::plan_line>& cells;

    void add(plan made)
    {
        auto client = order_of(from, mode, made);
        cells.push_back({.plan = std::move(made), .id = {}, .client = std::move(client)});
    }
};

// What the mode says of every cell alike, over what the choices say, over what the recipe says.
plan common_to(const making& all)
{
    plan made;
    made.subject = subject_of(all.from, all.mode);
    made.target = all.chosen.target;
    made.target_tls = all.chosen.target_tls;
    made.position = all.chosen.position;
    made.after = all.chosen.after;
    made.signal_to = all.mode.to.value_or(all.chosen.signal_to);
    made.method = all.mode.method.value_or(all.chosen.method.value_or(made.method));
    made.requests = all.mode.requests.value_or(all.from.requests);
    if (all.chosen.responses && !all.chosen.responses->empty())
        made.response = all.chosen.responses->front();
    made.response = all.mode.response.value_or(made.response);
    return made;
}

// Of what size a request's body is at a point. A client that is not ours stops sending only where
// no buffer takes more.
body sized(framing how, kill_point at)
{
    return {how, at == kill_point::request_body ? 8 * mebibyte : 64 * kibibyte};
}

// The requests of one point: those chosen, or one of each framing of the recipe's.
std::vector<body> requests_of(const making& all, kill_point at)
{
    if (all.mode.request)
        return {*all.mode.request};
    std::vector<body> bodies;
    if (all.chosen.requests) {
        for (const body& each : *all.chosen.requests)
            if (is_in(all.from.framings, each.how))
                bodies.push_back(each);
        return bodies;
    }
    const bool needs_body = at == kill_point::request_body || at == kill_point::expect_continue;
    for (const framing how : all.from.framings)
        if (how != framing::none)
            bodies.push_back(sized(how, at));
        else if (!needs_body)
            bodies.emplace_back();
    return bodies;
}

std::vector<bool> schemes_of(const making& all)
{
    if (!all.chosen.schemes)
        return {is_https(all.chosen.target)};
    std::vector<bool> over_tls;
    for (const scheme each : *all.chosen.schemes)
        if (each == scheme::http || all.from.tls)
            over_tls.push_back(each == scheme::https);
    return over_tls;
}

void add_if_possible(making& all, std::size_t from, plan made)
{
    made = completed(std::move(made));
    const auto here = all.cells.begin() + static_cast<std::ptrdiff_t>(from);
    const bool is_there = std::any_of(here, all.cells.end(), [&](const json::plan_line& each) {
        return each.plan == made;
    });
    if (!is_there && !why_impossible(made))
        all.add(std::move(made));
}

// One point and one kill.
void add_pair(making& all, plan made)
{
    const std::size_t from = all.cells.size();
    made.blocked = made.at == kill_point::request_body;
    made.unread = all.chosen.unread && is_in(*all.chosen.unread, true);
    if (!is_in(all.chosen.blocked, made.blocked))
        return;
    for (const auto family : all.chosen.families.value_or(std::vector{address_family::ipv4}))
        for (const bool over_tls : schemes_of(all))
            for (const body& request : requests_of(all, made.at)) {
                made.family = family;
                made.tls = over_tls;
                made.request = request;
                add_if_possible(all, from, made);
            }
}

void add_matrix(making all)
{
    plan made = common_to(all);
    for (const kill_point at : all.from.points)
        for (const kill_method by : all.from.kills) {
            const bool of_mode = all.mode.at.value_or(at) == at && all.mode.by.value_or(by) == by;
            if (!of_mode || !is_in(all.chosen.points, at) || !is_in(all.chosen.methods, by))
                continue;
            made.at = at;
            made.by = by;
            add_pair(all, made);
        }
}

// The choices say whether it is there, and nothing else: what it is to prove depends on its cell.
void add_misuse(making all)
{
    const choices nothing_else;
    plan made = common_to({all.from, all.mode, nothing_else, all.cells});
    made.at = all.mode.at.value_or(made.at);
    made.by = all.mode.by.value_or(made.by);
    made.request = all.mode.request.value_or(made.request);
    if (!is_in(all.chosen.points, made.at) || !is_in(all.chosen.methods, made.by))
        return;
    made = completed(std::move(made));
    if (const auto why = why_impossible(made))
        throw usage_error(fmt::format(
            "{}: {} by {} cannot be probed: {}: {}",
            made.subject,
            word(made.at),
            word(made.by),
            why->field,
            why->reason
        ));
    all.add(std::move(made));
}

} // namespace

subject::client_order order_of(const recipe& from, const recipe_mode& mode, const plan& cell)
{
    const auto known = known_in(from, mode, cell.requests);
    subject::client_order order;
    order.command = command_of(from, mode, known);
    for (const auto& [name, text] : from.variables)
        order.variables.emplace_back(name, replaced(text, known));
    order.is_driver = from.kind == recipe_kind::driver;
    order.hold = from.hold;
    order.release_hold = from.release_hold;
    order.settle = from.settle;
    order.own_timeout = from.own_timeout;
    order.baseline = from.baseline;
    if (order.is_driver) {
        order.success_requests = mode.sequential ? 1 : cell.requests;
        const auto in_success = known_in(from, from.right(), order.success_requests);
        order.success_command = command_of(from, from.right(), in_success);
    }
    // The recipe speaks of its right use. What is stopped neither lives on nor ends.
    if (mode.use == mode_use::matrix)
        order.retries = from.retries;
    if (mode.use == mode_use::matrix && cell.by != kill_method::stop)
        order.survives = is_in(from.survives, cell.by);
    order.is_misuse = mode.use == mode_use::misuse;
    return order;
}

std::vector<json::plan_line>
cells_of(const recipe& from, const choices& chosen, std::string_view mode)
{
    std::vector<json::plan_line> cells;
    for (const recipe_mode& each : from.modes) {
        const bool is_wanted = mode.empty() ? each.use != mode_use::extra : mode == each.name;
        if (is_wanted && each.use == mode_use::misuse)
            add_misuse({from, each, chosen, cells});
        else if (is_wanted)
            add_matrix({from, each, chosen, cells});
    }
    return cells;
}

} // namespace finwait::daemon
