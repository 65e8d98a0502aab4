// Where probes run: network namespaces of our own inside a user namespace of our own, or, where
// that is refused, the host's loopback. user_namespaces(7), network_namespaces(7).
#pragma once

#include "probe/kernel/sock_diag.hpp"
#include "probe/kernel/unique_fd.hpp"
#include "probe/model/audit.hpp"

#include <concepts>
#include <string>
#include <utility>

namespace finwait::lab {

using kernel::result;

/// A network namespace, kept alive by its descriptor (nsfs); gone with the last one and the last
/// socket in it. Empty: the namespace the worker is in anyway.
class net_namespace
{
public:
    net_namespace() = default;
    explicit net_namespace(kernel::unique_fd opened) : fd_(std::move(opened)) {}

    /// Whether this is a namespace of its own.
    explicit operator bool() const { return static_cast<bool>(fd_); }
    int fd() const { return fd_.get(); }

private:
    kernel::unique_fd fd_;
};

/// Puts the calling thread into a namespace for the life of this object, and back at its end.
/// Short and synchronous only: no co_await while one lives. setns(2), about 1 us.
/// An empty namespace: does nothing. Not nested: the end of one leads to the lab's own namespace.
/// Throws std::system_error when the namespace cannot be entered; when the way back is barred the
/// process ends, for everything it measured from then on would be in a wrong place.
class [[nodiscard]] inside
{
public:
    inside(const net_namespace& where, const class place& home);
    ~inside();
    inside(const inside&) = delete;
    inside& operator=(const inside&) = delete;

private:
    int home_ = -1;
};

/// Which lab to make.
enum class wanted {
    namespaces, ///< own namespaces; the host's loopback where they are refused
    host,       ///< the host's own network, for targets that are not ours
};

/// The lab of this process.
class place
{
public:
    /// Enters the lab. Call once, before any thread is started (unshare(2): CLONE_NEWUSER is
    /// EINVAL in a process with threads). Own user namespace with an identity map (none when
    /// already root with CAP_SYS_ADMIN), own network namespace, loopback up, 127/8 and ::1.
    /// Never fails: what is refused becomes `environment.lab` host, with the reason and the cure
    /// in `environment.not_run`.
    static place enter(wanted how);

    /// What this lab can do.
    const finwait::environment& environment() const { return environment_; }

    /// A fresh network namespace with its loopback up. Host lab: an empty one (shared).
    /// About 0.4 ms. Errors: ENOSPC (user.max_net_namespaces), EMFILE, EPERM.
    result<net_namespace> make_namespace() const;

    /// Adds an address to the loopback of the calling thread's namespace (for the nameserver's).
    /// EEXIST counts as success.
    static result<void> add_loopback_address(const endpoint& address);

    /// The descriptor of the lab's own first namespace.
    int home_fd() const { return home_.get(); }

private:
    finwait::environment environment_;
    kernel::unique_fd home_;
};

/// The nameservers of /etc/resolv.conf, port 53; empty when there are none or it is unreadable.
std::vector<endpoint> configured_nameservers();

} // namespace finwait::lab
