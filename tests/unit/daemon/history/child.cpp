// A copy of the test process, to be starved or to die.
#include "tests/unit/daemon/history/fixture.hpp"

#include <array>
#include <exception>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace finwait::daemon::sample {

std::string in_child(const std::function<std::string()>& work)
{
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        (void)::close(ends[0]);
        std::string said;
        try {
            said = work();
        } catch (const std::exception& error) {
            said = error.what();
        }
        const bool is_told = ::write(ends[1], said.data(), said.size()) >= 0;
        ::_exit(is_told ? 0 : 1);
    }
    (void)::close(ends[1]);
    std::string said;
    std::array<char, 4096> part{};
    for (::ssize_t got = 0; (got = ::read(ends[0], part.data(), part.size())) > 0;)
        said.append(part.data(), static_cast<std::size_t>(got));
    (void)::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return "the child died with wait status " + std::to_string(status) + ": " + said;
    return said;
}

} // namespace finwait::daemon::sample
