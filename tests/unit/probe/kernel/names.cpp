// Names of errno values and capabilities.
#include "probe/kernel/capabilities.hpp"
#include "probe/kernel/socket_facts.hpp"

#include <doctest/doctest.h>

#include <cerrno>

#include <linux/capability.h>

using namespace finwait::kernel;

TEST_SUITE("probe/kernel/names")
{
    TEST_CASE("an errno has its name, or at least its number")
    {
        CHECK(errno_name(EADDRINUSE) == "EADDRINUSE");
        CHECK(errno_name(ENOENT) == "ENOENT");
        CHECK(errno_name(EAGAIN) == "EAGAIN");
        CHECK(errno_name(99999) == "99999");
        CHECK(errno_name(-1) == "-1");
    }

    TEST_CASE("capabilities are named in the order of their bits")
    {
        using names = std::vector<std::string>;
        CHECK(capability_names(0).empty());
        CHECK(capability_names(1) == names{"CAP_CHOWN"});
        CHECK(
            capability_names(1ULL << CAP_SYS_ADMIN | 1ULL << CAP_NET_ADMIN | 1ULL << CAP_BPF) ==
            names{"CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_BPF"}
        );
        CHECK(capability_names(1ULL << 63U) == names{"CAP_63"});
        CHECK(capability_names(~0ULL).size() == 64);
    }

    TEST_CASE("a capability is its bit")
    {
        CHECK(has_capability(1ULL << CAP_NET_ADMIN, CAP_NET_ADMIN));
        CHECK_FALSE(has_capability(~(1ULL << CAP_NET_ADMIN), CAP_NET_ADMIN));
        CHECK(has_capability(1ULL << 40U, CAP_CHECKPOINT_RESTORE));
    }
}
