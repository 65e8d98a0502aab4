#include "probe/external/counts.hpp"

#include "probe/kernel/holders.hpp"

#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace finwait::external {
namespace {

/// How long a socket without a name may take to get one.
constexpr auto moment = std::chrono::milliseconds(20);

/// An encrypted alert of two bytes: header, explicit nonce, tag and type take 29 at most in TLS 1.2
/// and 1.3 (RFC 5246 6.2.3.3, RFC 8446 5.2); with CBC's vector, padding and SHA-384 more.
constexpr std::uint64_t longest_close_notify = 128;

std::set<std::uint32_t> tcp_sockets_of(const std::vector<std::int32_t>& processes)
{
    std::set<std::uint32_t> out;
    for (const auto pid : processes)
        if (const auto open = kernel::socket_descriptors(pid))
            for (const auto& each : *open)
                if (each.protocol.starts_with("TCP"))
                    out.insert(each.inode);
    return out;
}

/// Received bytes, a FIN not counted.
std::uint64_t payload_of(const origin::traffic& seen)
{
    return seen.received_bytes - (seen.peer_ended && seen.received_bytes > 0 ? 1 : 0);
}

} // namespace

void before_and_after::note_before()
{
    unlisted_before_ = unlisted_sockets();
    for (auto& each : all_.list)
        if (each.origin_index != origin::server::no_index)
            each.at_kill = it_.set->traffic_at_origin(each.origin_index);
}

net::awaitable<void> before_and_after::note_after()
{
    if (it_.wanted().by == kill_method::peer_silent)
        confirm_silence();
    co_await count_zombies();
    count_requests();
}

/// The TCP sockets of its processes that no listing shows: those in CLOSE, which have ended, or
/// have never been connected.
std::set<std::uint32_t> before_and_after::unlisted_sockets()
{
    const auto processes = it_.client->processes();
    const auto before = tcp_sockets_of(processes);
    const auto all = it_.list_sockets(kernel::listeners::included);
    if (!all) {
        it_.in_the_way("kernel_refused", "listing sockets: " + all.error().message());
        return {};
    }
    // One that is closed or made meanwhile is in one of the two.
    std::set<std::uint32_t> out;
    std::ranges::set_intersection(before, tcp_sockets_of(processes), std::inserter(out, out.end()));
    for (const auto& each : *all)
        out.erase(each.inode);
    return out;
}

/// Those that are new, and known as no connection.
std::set<std::uint32_t> before_and_after::new_among(std::set<std::uint32_t> unlisted) const
{
    for (const auto inode : unlisted_before_)
        unlisted.erase(inode);
    for (const auto& each : all_.list)
        unlisted.erase(each.record.client->inode);
    return unlisted;
}

net::awaitable<void> before_and_after::count_zombies()
{
    auto now = unlisted_sockets();
    if (!new_among(now).empty()) {
        // It may have been made a moment ago, to be connected the next.
        net::steady_timer pace(it_.io);
        pace.expires_after(moment);
        auto [cancelled] = co_await pace.async_wait(net::as_tuple(net::use_awaitable));
        (void)cancelled;
        const auto then = std::exchange(now, {});
        std::ranges::set_intersection(then, unlisted_sockets(), std::inserter(now, now.end()));
    }
    zombies_ = static_cast<unsigned>(now.size());
    new_zombies_ = static_cast<unsigned>(new_among(now).size());
}

/// Retries, before it is asked for anything more.
void before_and_after::count_requests()
{
    unsigned count = 0;
    const auto& seen = it_.set->origin_connections();
    for (std::size_t i = 0; i < seen.size(); ++i)
        count += seen[i].answered + (has_begun_another(i) ? 1 : 0);
    const unsigned asked = it_.wanted().requests * it_.rounds;
    extra_requests_ = count > asked ? count - asked : 0;
    if (extra_requests_ > 0)
        it_.seen.warnings.push_back(fmt::format(
            "It retried: {} requests came to the origin beyond the {} it was asked for{}.",
            extra_requests_,
            asked,
            it_.how.retries ? fmt::format("; its recipe says {} retries", *it_.how.retries) : ""
        ));
}

/// Whether a request has come there that is not answered yet. An origin that does not read
/// knows from the kernel.
bool before_and_after::has_begun_another(std::size_t index) const
{
    const auto& seen = it_.set->origin_connections()[index];
    const bool reads =
        it_.wanted().at != kill_point::connected && it_.wanted().at != kill_point::tls_handshake;
    if (reads || seen.request_bytes > 0)
        return seen.request_bytes > 0 && !seen.complete;
    const auto now = it_.set->traffic_at_origin(index);
    return now && payload_of(*now) > 0;
}

/// A peer is silent when no byte has come from it or to it since; a request that was on its way
/// to one that does not read, and a close_notify on the way out, are no answers of its.
void before_and_after::confirm_silence()
{
    bool was_seen = false;
    for (const auto& each : all_.list) {
        if (!each.at_kill)
            continue; // it came later, or nobody has accepted it, who could answer
        was_seen = true;
        const auto now = it_.set->traffic_at_origin(each.origin_index);
        if (!now)
            return it_.in_the_way("fault_not_delivered", "The origin had closed a connection.");
        const auto sent = now->sent_bytes - each.at_kill->sent_bytes;
        const auto received = payload_of(*now) - payload_of(*each.at_kill);
        if (sent > 0 || received > most_received(*now))
            return it_.in_the_way(
                "fault_not_delivered",
                fmt::format(
                    "The origin was to be silent, but {} bytes went from it and {} came to it "
                    "after the kill.",
                    sent,
                    received
                )
            );
    }
    if (!was_seen)
        return it_.in_the_way(
            "fault_not_delivered", "The origin had no connection on which it could be silent."
        );
    it_.seen.kill.confirmed_by = "no byte in either direction between the kill and the first look";
}

std::uint64_t before_and_after::most_received(const origin::traffic& now) const
{
    if (it_.wanted().at == kill_point::connected || it_.wanted().at == kill_point::tls_handshake)
        return std::numeric_limits<std::uint64_t>::max();
    return it_.wanted().tls && now.peer_ended ? longest_close_notify : 0;
}

} // namespace finwait::external
