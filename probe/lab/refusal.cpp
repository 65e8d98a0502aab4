#include "probe/lab/refusal.hpp"

#include "probe/kernel/socket_facts.hpp"

#include <cerrno>
#include <cstring>

namespace finwait::lab {

namespace {

std::string errno_text(int error)
{
    return kernel::errno_name(error) + " (" + strerrordesc_np(error) + ")";
}

const char* thing(step where)
{
    switch (where) {
    case step::user_namespace:
        return "a user namespace of its own";
    case step::network_namespace:
        return "a network namespace of its own";
    case step::loopback_up:
        return "setting the loopback up in its own namespace";
    case step::trial:
        return "a process to try namespaces in";
    }
    return "a namespace";
}

} // namespace

std::string reason_of(const refusal& what)
{
    return std::string("the kernel refused ") + thing(what.where) + ": " + errno_text(what.error);
}

std::string cure_of(const refusal& what, const refusing_settings& settings)
{
    if (what.where == step::trial)
        return "raise the limit on processes (ulimit -u; TasksMax= of the systemd unit)";
    if (settings.max_user_namespaces == 0)
        return "sysctl user.max_user_namespaces=15000";
    if (settings.max_net_namespaces == 0)
        return "sysctl user.max_net_namespaces=15000";
    if (what.error == ENOSPC)
        return "raise user.max_user_namespaces and user.max_net_namespaces (sysctl), or run it "
               "less deep inside other namespaces (32 at most)";
    if (what.error == EINVAL)
        return "a kernel with CONFIG_USER_NS=y and CONFIG_NET_NS=y";
    if (settings.unprivileged_userns_clone == 0)
        return "sysctl kernel.unprivileged_userns_clone=1";
    if (settings.apparmor_restrict_userns.value_or(0) > 0)
        return "an AppArmor profile for finwait with the rule `userns,`, or "
               "sysctl kernel.apparmor_restrict_unprivileged_userns=0";
    return "in a systemd unit: RestrictNamespaces=user net, and no PrivateUsers=; in a container: "
           "a seccomp profile that permits unshare(2), or CAP_SYS_ADMIN; not in a chroot";
}

not_run destroy_not_run(int error)
{
    not_run entry;
    entry.what = "sock_destroy";
    entry.reason = "SOCK_DESTROY on a socket of its own: " + errno_text(error);
    if (error == EOPNOTSUPP)
        entry.cure = "a kernel with CONFIG_INET_DIAG_DESTROY=y";
    else if (error == EPERM || error == EACCES)
        entry.cure = "CAP_NET_ADMIN (in a systemd unit: AmbientCapabilities=CAP_NET_ADMIN, and no "
                     "PrivateUsers=)";
    else
        entry.cure = "sock_diag(7): a kernel with CONFIG_INET_DIAG, and in a systemd unit "
                     "AF_NETLINK among RestrictAddressFamilies=";
    return entry;
}

} // namespace finwait::lab
