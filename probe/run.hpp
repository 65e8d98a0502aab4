// One probe, from plan to report.
#pragma once

#include "probe/lab/lab.hpp"
#include "probe/model/address_policy.hpp"
#include "probe/model/report.hpp"
#include "probe/subject/client_order.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>
#include <optional>
#include <string>

namespace finwait {

namespace net = boost::asio;

/// Whether probes share a network namespace.
enum class isolation {
    each,   ///< one per probe: its counters are exactly its own
    shared, ///< all in the lab's own: `counters` absent, with a warning
};

/// Runs probes of one lab. One thread; many probes in flight. Outlives its probes.
class prober
{
public:
    /// `client_command`: argv prefix that starts the built-in client in a process of its own (it
    /// gets its plan as one argument more); used by the process family. `targets`: what addresses
    /// targets that are not the lab's own may lead to; nullopt: any.
    static std::unique_ptr<prober> make(
        net::io_context& io,
        const lab::place& where,
        isolation how,
        std::vector<std::string> client_command,
        std::optional<address_policy> targets = {}
    );

    /// Never throws for what a network or a kernel does: what stands in the way becomes
    /// `unverified` with its reason. An impossible plan: `unverified`, code `impossible_plan`.
    /// `client`: how the subject is run, when it is not the built-in one.
    virtual net::awaitable<report>
    run(plan what, std::string id, std::optional<subject::client_order> client = {}) = 0;

    virtual ~prober() = default;
};

} // namespace finwait
