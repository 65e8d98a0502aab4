// errno in letters: apart from the sockets, since it needs nothing of them.
#include "probe/kernel/socket_facts.hpp"

#include <cstring>
#include <string>

namespace finwait::kernel {

std::string errno_name(int number)
{
    const char* const name = strerrorname_np(number); // glibc 2.32
    return name != nullptr ? std::string(name) : std::to_string(number);
}

} // namespace finwait::kernel
