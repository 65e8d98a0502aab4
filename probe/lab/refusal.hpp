// Why the lab could not be made, in words a person can act upon. Pure.
#pragma once

#include "probe/model/audit.hpp"

#include <optional>
#include <string>

namespace finwait::lab {

/// What was being done when the kernel refused.
enum class step {
    user_namespace,    ///< unshare(CLONE_NEWUSER | CLONE_NEWNET)
    network_namespace, ///< unshare(CLONE_NEWNET)
    loopback_up,       ///< `lo` up in the new namespace
    trial,             ///< fork(2) of the process that tries it first
};

/// A refusal: where, and its errno.
struct refusal
{
    step where = step::user_namespace;
    int error = 0;
};

/// The settings that can refuse; absent where the machine has no such setting.
struct refusing_settings
{
    std::optional<int> max_user_namespaces;       ///< user.max_user_namespaces
    std::optional<int> max_net_namespaces;        ///< user.max_net_namespaces
    std::optional<int> unprivileged_userns_clone; ///< kernel.…, Debian
    std::optional<int> apparmor_restrict_userns;  ///< kernel.apparmor_…, Ubuntu
};

/// What was refused, with errno's text: `a user namespace was refused: EPERM (Operation not …)`.
std::string reason_of(const refusal& what);

/// What would make it possible: the setting that refuses, when one of them does, else what else
/// refuses in practice.
std::string cure_of(const refusal& what, const refusing_settings& settings);

/// Why SOCK_DESTROY cannot be done, from the errno of trying it on a socket of our own.
not_run destroy_not_run(int error);

} // namespace finwait::lab
