#include "probe/external/connections.hpp"

#include "probe/ready.hpp"
#include "probe/record.hpp"

#include <algorithm>

namespace finwait::external {

void watched_connections::find()
{
    const auto all = it_.list_sockets();
    if (!all)
        return it_.in_the_way("kernel_refused", "listing sockets: " + all.error().message());
    for (const auto& each : *all) {
        const bool known = std::ranges::any_of(list, [&](const watched& one) {
            return one.record.client->cookie == each.cookie;
        });
        if (!known && it_.is_to_origin(each) && !it_.set->is_origins_own(each.local))
            take_in(each);
    }
}

void watched_connections::take_in(const kernel::socket_view& seen)
{
    watched& one = list.emplace_back();
    end& near = one.record.client.emplace(end_of({seen.cookie, seen.local, seen.peer}));
    near.inode = seen.inode;
    one.follow.emplace(it_.set->executor(), it_.set->diag(), it_.start);
    one.follow->client.record = &near;
    one.follow->client.descriptor_open = [this, &near] {
        return near.inode != 0 && inodes_.contains(near.inode);
    };
    link_origin(one);
    one.follow->listen_to(it_.set->watch());
    one.follow->ask();
    note_origin(one);
}

void watched_connections::link_origin(watched& one)
{
    const auto& at_origin = it_.set->origin_connections();
    for (std::size_t i = 0; i < at_origin.size(); ++i) {
        if (unmapped(at_origin[i].id.peer) != unmapped(one.record.client->local) ||
            at_origin[i].id.cookie == 0)
            continue;
        one.origin_index = i;
        one.record.origin = end_of(at_origin[i].id);
        one.follow->origin.record = &*one.record.origin;
        one.follow->origin.descriptor_open = [this, i] {
            return it_.set->origin_has_descriptor(i);
        };
        return;
    }
}

void watched_connections::note_origin(watched& one)
{
    if (one.origin_index == origin::server::no_index)
        link_origin(one); // it may have waited to be accepted when it was taken in
    if (one.origin_index == origin::server::no_index)
        return;
    const auto& seen = it_.set->origin_connections()[one.origin_index];
    one.record.request_bytes = seen.request_bytes;
    one.record.response_bytes = seen.response_bytes;
    one.record.complete = seen.complete;
}

std::optional<std::string> watched_connections::missing(const watched& one) const
{
    if (one.origin_index != origin::server::no_index) {
        const auto& seen = it_.set->origin_connections()[one.origin_index];
        // A client that does not read has reached its stall where the origin cannot write on.
        if (seen.rest_blocked)
            return std::nullopt;
        if (!seen.stalled)
            return std::nullopt; // one that nobody uses is told by its bytes
    }
    // A client that sees the peer's FIN and closes has done what it should.
    if (it_.wanted().at == kill_point::idle_peer_closed && !one.follow->client.latest.owned)
        return std::nullopt;
    const auto& origin = one.follow->origin;
    return not_ready(
        it_.wanted(),
        one.follow->client.latest,
        origin.record == nullptr ? std::nullopt : std::optional(origin.latest)
    );
}

bool watched_connections::are_all_at_rest() const
{
    return std::ranges::all_of(list, [](const watched& each) {
        const look& last = each.follow->client.latest;
        return !last.owned || (each.record.complete && last.state == tcp_state::ESTABLISHED &&
                               unread_in(last) == 0 && last.wqueue == 0);
    });
}

bool watched_connections::is_any_open() const
{
    return std::ranges::any_of(list, [](const watched& each) {
        return each.follow->client.latest.owned;
    });
}

} // namespace finwait::external
