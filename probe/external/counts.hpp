// What is counted of another program's client before the kill and after it: sockets that no listing
// shows, payload at the origin, requests.
#pragma once

#include "probe/external/connections.hpp"

#include <cstdint>
#include <set>

namespace finwait::external {

/// Of one experiment.
class before_and_after
{
public:
    before_and_after(experiment& it, watched_connections& all) : it_(it), all_(all) {}

    /// Right before the kill.
    void note_before();

    /// At the first look, before the program is asked for anything more. `peer_silent` is confirmed
    /// here, or becomes an obstacle; retries are told in a warning.
    net::awaitable<void> note_after();

    unsigned zombies() const { return zombies_; }               ///< sockets that no listing shows
    unsigned new_zombies() const { return new_zombies_; }       ///< as process_record says
    unsigned extra_requests() const { return extra_requests_; } ///< beyond those asked for

private:
    std::set<std::uint32_t> unlisted_sockets();
    std::set<std::uint32_t> new_among(std::set<std::uint32_t> unlisted) const;
    net::awaitable<void> count_zombies();
    void count_requests();
    bool has_begun_another(std::size_t index) const;
    void confirm_silence();
    std::uint64_t most_received(const origin::traffic& now) const;

    experiment& it_;
    watched_connections& all_;
    std::set<std::uint32_t> unlisted_before_;
    unsigned zombies_ = 0;
    unsigned new_zombies_ = 0;
    unsigned extra_requests_ = 0;
};

} // namespace finwait::external
