// The destroy multicast of sock_diag(7) (SKNLGRP_INET_TCP_DESTROY, …_INET6_…): the kernel says
// when a full socket is freed. A hint that wakes a look-up, never a witness by itself: it says
// nothing when a minisocket ends, and it may be lost.
#pragma once

#include "probe/kernel/sock_diag.hpp"

namespace finwait::kernel {

/// What one reading of the multicast brought.
struct destroyed
{
    std::vector<std::uint64_t> cookies; ///< in the order of their end
    bool overrun = false;               ///< the receive buffer overflowed: look everything up again
};

/// Membership in both groups of the namespace it was opened in. Needs no right.
class destroy_events
{
public:
    /// `buffer_bytes` is asked of SO_RCVBUF; one event takes 1280 bytes of it.
    static result<destroy_events> open(int buffer_bytes);

    /// Becomes readable when events are there. Owned by this object, non-blocking.
    int fd() const;

    /// All events there are; never waits. Empty when there are none.
    result<destroyed> receive();

    destroy_events(destroy_events&&) noexcept;
    destroy_events& operator=(destroy_events&&) noexcept;
    destroy_events(const destroy_events&) = delete;
    destroy_events& operator=(const destroy_events&) = delete;
    ~destroy_events();

private:
    struct impl;
    explicit destroy_events(std::unique_ptr<impl> opened);
    std::unique_ptr<impl> impl_;
};

} // namespace finwait::kernel
