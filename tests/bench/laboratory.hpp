// Where benchmarks of whole probes run: in the lab, each question in a network namespace of its
// own.
#pragma once

#include "probe/kernel/sysctl.hpp"
#include "probe/lab/lab.hpp"

#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <sys/resource.h>

namespace finwait::bench {

/// Enters the lab and takes all the descriptors the process may have. nullopt, and the reason on
/// standard error, where there are no namespaces.
inline std::optional<lab::place> enter_lab()
{
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    auto where = lab::place::enter(lab::wanted::namespaces);
    if (where.environment().lab == lab_kind::namespace_)
        return where;
    std::cerr << "SKIP: no namespace of our own: " << where.environment().not_run.front().reason
              << '\n';
    return std::nullopt;
}

/// The value, or std::runtime_error.
template <class T>
T must(kernel::result<T> got, const char* what = "a network namespace")
{
    if (!got)
        throw std::runtime_error(std::string(what) + ": " + got.error().message());
    return std::move(*got);
}

/// Beyond tcp_max_tw_buckets the kernel makes no more TIME_WAITs, and a close is no longer the same
/// work. In the calling thread's namespace.
inline void allow_time_waits()
{
    const auto raised = kernel::set_sysctl("tcp_max_tw_buckets", "1000000");
    if (!raised)
        throw std::runtime_error("tcp_max_tw_buckets: " + raised.error().message());
}

/// Does the work where no TIME_WAIT of an earlier one is left. Throws std::runtime_error.
template <class Work>
void in_fresh_namespace(const lab::place& home, Work&& work)
{
    const auto made = must(home.make_namespace());
    const lab::inside here(made, home);
    allow_time_waits();
    std::forward<Work>(work)();
}

} // namespace finwait::bench
