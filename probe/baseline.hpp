// How many connections a client keeps after its successes: what may stay open without being a leak.
// Measured with the client itself, once for all probes of one shape.
#pragma once

#include "probe/scene.hpp"
#include "probe/subject/client_order.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace finwait {

/// What a measurement gave.
struct measured_baseline
{
    std::optional<unsigned> connections; ///< absent: it could not be measured
    std::string why_not;                 ///< then why, as a part of a sentence
};

/// The complete connections at rest that a report's client has open. Pure.
unsigned kept_after(const report& of_successes);

/// Measures, and remembers what it measured.
///
/// A measuring run starts the client in its right use at an origin that answers, and lets it
/// succeed five times, each time with as many plain GETs at once as the probes have, over the same
/// address family and scheme. What is still open, complete and at rest at the last settle time is
/// the baseline. A client whose successes leave more and more behind is so excused five of them and
/// no more.
class baseline_book
{
public:
    baseline_book(net::io_context& io, scene_maker& maker) : io_(io), maker_(maker) {}

    /// Starts to measure, unless that has been done. Whoever calls this must wait for of() as well,
    /// before the book's end.
    void want(const plan& what, const subject::client_order& how);

    /// What was measured, once it has been. Only after want() with the same.
    net::awaitable<measured_baseline> of(plan what, subject::client_order how);

    /// Whether there is a way to measure: a driver, whose right use is known.
    static bool can_measure(const subject::client_order& how);

private:
    /// What makes two probes one shape.
    using shape = std::tuple<
        std::vector<std::string>,
        std::vector<std::pair<std::string, std::string>>,
        std::string,
        std::vector<std::chrono::milliseconds>,
        std::chrono::milliseconds,
        unsigned,
        address_family,
        bool>;

    struct entry
    {
        shape of;
        measured_baseline found;
        bool is_done = false;
        net::steady_timer done; ///< expires when it is
    };

    static shape shape_of(const plan& what, const subject::client_order& how);
    entry* known(const shape& wanted);
    net::awaitable<measured_baseline> measure(plan what, subject::client_order how);

    net::io_context& io_;
    scene_maker& maker_;
    std::vector<std::unique_ptr<entry>> entries_; ///< a few; waiters refer to them
};

} // namespace finwait
