#include "daemon/self.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace finwait::daemon {

self_facts facts_of_self()
{
    self_facts facts;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", ignored)) {
        ++facts.fds;
        const auto target = std::filesystem::read_symlink(entry.path(), ignored).string();
        facts.sockets += target.starts_with("socket:") ? 1 : 0;
    }
    if (facts.fds > 0)
        --facts.fds; // the one that read the folder
    std::ifstream statm("/proc/self/statm");
    std::uint64_t total_pages = 0;
    std::uint64_t resident_pages = 0;
    if (statm >> total_pages >> resident_pages)
        facts.rss_bytes = resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return facts;
}

} // namespace finwait::daemon
