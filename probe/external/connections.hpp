// The connections of another program's client to the origin, each followed at both ends.
#pragma once

#include "probe/external/experiment.hpp"
#include "probe/follow.hpp"

#include <deque>
#include <optional>
#include <set>
#include <string>

namespace finwait::external {

/// One connection under observation.
struct watched
{
    connection record;
    std::size_t origin_index = origin::server::no_index;
    std::optional<follower> follow;
    std::optional<origin::traffic> at_kill; ///< absent: the origin had not accepted it
};

/// All of one experiment.
class watched_connections
{
public:
    explicit watched_connections(experiment& of) : it_(of) {}

    std::deque<watched> list; ///< a deque: followers refer to what is in it

    /// Takes in every connection to the origin that is not known yet: of the program, by the
    /// kernel's listing, which also shows what the origin has not accepted.
    void find();

    /// Takes over what the origin has counted of a connection.
    void note_origin(watched& one);

    /// Asks the kernel which descriptors the program has, for all that follows.
    void look_at_descriptors() { inodes_ = it_.open_inodes(); }

    bool is_any_open() const;

    /// Whether all that are open have completed their exchange and have nothing in their queues.
    bool are_all_at_rest() const;

    /// Why the kernel does not show that connection where the kill point wants it.
    std::optional<std::string> missing(const watched& one) const;

private:
    void take_in(const kernel::socket_view& seen);
    void link_origin(watched& one);

    experiment& it_;
    std::set<std::uint32_t> inodes_; ///< that the program has open
};

} // namespace finwait::external
