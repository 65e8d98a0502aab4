#include "probe/kernel/capabilities.hpp"

#include "probe/kernel/unique_fd.hpp"

#include <array>
#include <string_view>

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace finwait::kernel {

namespace {

/// In the order of linux/capability.h.
constexpr std::array<std::string_view, 41> names{
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE"};

static_assert(names[CAP_NET_ADMIN] == "NET_ADMIN");
static_assert(names[CAP_SYS_PTRACE] == "SYS_PTRACE");
static_assert(names[CAP_CHECKPOINT_RESTORE] == "CHECKPOINT_RESTORE");

} // namespace

std::vector<std::string> capability_names(std::uint64_t set)
{
    std::vector<std::string> found;
    for (unsigned number = 0; number < 64; ++number) {
        if (!has_capability(set, number))
            continue;
        const bool known = number < names.size();
        found.push_back("CAP_" + (known ? std::string(names[number]) : std::to_string(number)));
    }
    return found;
}

std::uint64_t effective_capabilities()
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> halves{};
    if (syscall(SYS_capget, &header, halves.data()) != 0)
        return 0;
    return halves[0].effective | std::uint64_t{halves[1].effective} << 32U;
}

bool owns_network_namespace()
{
    const unique_fd network(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!network)
        return false;
    // EPERM: the owner is an ancestor of ours or a stranger.
    const unique_fd owner(ioctl(network.get(), NS_GET_USERNS));
    struct stat theirs
    {
    };
    struct stat ours
    {
    };
    return owner && fstat(owner.get(), &theirs) == 0 &&
           stat("/proc/thread-self/ns/user", &ours) == 0 && theirs.st_ino == ours.st_ino &&
           theirs.st_dev == ours.st_dev;
}

} // namespace finwait::kernel
