#include "daemon/malloc_tuning.hpp"

#include <cstdlib>
#include <string_view>

namespace finwait::daemon {

namespace {

constexpr auto name = "GLIBC_TUNABLES";
constexpr std::string_view value = "glibc.malloc.tcache_count=2000";

} // namespace

void tune_malloc_of(subject::environment_block& worker)
{
    if (std::getenv(name) == nullptr)
        subject::set_variable(worker, name, value);
}

void forget_malloc_tuning()
{
    const char* const now = std::getenv(name);
    if (now != nullptr && now == value)
        (void)::unsetenv(name);
}

} // namespace finwait::daemon
