// Many probes through one prober, as a worker in a throughput run has them.
#pragma once

#include "probe/run.hpp"
#include "probe/ulid.hpp"

#include <boost/asio/co_spawn.hpp>

#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace finwait::bench {

/// One thread, one prober, a shared namespace.
class probing
{
public:
    /// Takes turns in `plans`.
    probing(const lab::place& where, std::vector<plan> plans)
        : with_(prober::make(io_, where, isolation::shared, {"/bin/false"})),
          plans_(std::move(plans))
    {
    }

    /// `count` more probes with at most `in_flight` of them at a time. May be called again.
    void run(std::uint64_t count, std::size_t in_flight)
    {
        left_ = count;
        for (std::size_t i = 0; i < in_flight; ++i)
            start_lane();
        io_.restart();
        io_.run();
    }

    /// Reports that differed from their expectation; the first is told on standard error.
    std::uint64_t unexpected() const { return unexpected_; }

private:
    void start_lane()
    {
        ++lanes_;
        net::co_spawn(io_, lane(), [this](const std::exception_ptr& thrown) {
            if (thrown)
                std::rethrow_exception(thrown);
            if (--lanes_ == 0)
                io_.stop();
        });
    }

    net::awaitable<void> lane()
    {
        while (left_ > 0) {
            --left_;
            std::string id = make_ulid(std::chrono::system_clock::now());
            const plan& what = plans_[left_ % plans_.size()];
            const report found = co_await with_->run(what, std::move(id));
            if (!found.as_expected && unexpected_++ == 0)
                tell(found);
        }
    }

    static void tell(const report& found)
    {
        std::cerr << word(found.verdict);
        for (const auto& why : found.reasons)
            std::cerr << ": " << why.text;
        std::cerr << '\n';
    }

    net::io_context io_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
    std::unique_ptr<prober> with_;
    std::vector<plan> plans_;
    std::uint64_t left_ = 0;
    std::size_t lanes_ = 0;
    std::uint64_t unexpected_ = 0;
};

} // namespace finwait::bench
