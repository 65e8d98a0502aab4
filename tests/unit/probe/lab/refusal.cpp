// Reasons and cures of a refused lab.
#include "probe/lab/refusal.hpp"

#include <doctest/doctest.h>

#include <cerrno>

using namespace finwait::lab;

namespace {

bool has(const std::string& text, const char* part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE("probe/lab/refusal")
{
    TEST_CASE("a reason names what was refused, and the errno with its text")
    {
        CHECK(
            reason_of({step::user_namespace, EPERM}) ==
            "the kernel refused a user namespace of its own: EPERM (Operation not permitted)"
        );
        CHECK(has(reason_of({step::network_namespace, ENOSPC}), "a network namespace"));
        CHECK(has(reason_of({step::loopback_up, EPERM}), "loopback"));
        CHECK(has(reason_of({step::trial, EAGAIN}), "EAGAIN"));
    }

    TEST_CASE("the cure is the setting that refuses, when one does")
    {
        const struct
        {
            refusal what;
            refusing_settings settings;
            const char* cure;
        } rows[] = {
            {{step::user_namespace, ENOSPC}, {0, 100, {}, {}}, "user.max_user_namespaces=15000"},
            {{step::user_namespace, ENOSPC}, {100, 0, {}, {}}, "user.max_net_namespaces=15000"},
            {{step::user_namespace, ENOSPC}, {100, 100, {}, {}}, "32 at most"},
            {{step::user_namespace, EPERM},
             {100, 100, 0, {}},
             "kernel.unprivileged_userns_clone=1"},
            {{step::user_namespace, EPERM}, {100, 100, 1, 1}, "AppArmor"},
            {{step::loopback_up, EPERM}, {100, 100, {}, 1}, "AppArmor"},
            {{step::loopback_up, EACCES}, {100, 100, {}, 1}, "AppArmor"},
            {{step::user_namespace, EPERM}, {100, 100, 1, 0}, "RestrictNamespaces"},
            {{step::user_namespace, EPERM}, {}, "seccomp"},
            {{step::user_namespace, EINVAL}, {}, "CONFIG_USER_NS"},
            {{step::trial, EAGAIN}, {0, 0, 0, 1}, "TasksMax"}};
        for (const auto& row : rows) {
            const std::string cure = cure_of(row.what, row.settings);
            CHECK_MESSAGE(has(cure, row.cure), cure);
        }
    }

    TEST_CASE("what keeps SOCK_DESTROY from working is told apart")
    {
        CHECK(destroy_not_run(EPERM).what == "sock_destroy");
        CHECK(has(destroy_not_run(EPERM).reason, "EPERM"));
        CHECK(has(destroy_not_run(EPERM).cure, "CAP_NET_ADMIN"));
        CHECK(has(destroy_not_run(EOPNOTSUPP).cure, "CONFIG_INET_DIAG_DESTROY"));
        CHECK(has(destroy_not_run(EPROTONOSUPPORT).cure, "CONFIG_INET_DIAG"));
        CHECK(has(destroy_not_run(EAFNOSUPPORT).cure, "AF_NETLINK"));
    }
}
