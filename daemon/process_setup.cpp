#include "daemon/process_setup.hpp"

#include <csignal>

#include <sys/resource.h>
#include <unistd.h>

namespace finwait::daemon {

void ignore_broken_pipes()
{
    (void)std::signal(SIGPIPE, SIG_IGN);
}

void raise_descriptor_limit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit); // cannot fail: it stays within the hard limit
}

bool is_ignored(int number)
{
    struct sigaction now
    {
    };
    return ::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

void die_by(int number)
{
    (void)std::signal(number, SIG_DFL);
    sigset_t only;
    (void)::sigemptyset(&only);
    (void)::sigaddset(&only, number);
    (void)::sigprocmask(SIG_UNBLOCK, &only, nullptr);
    (void)std::raise(number);
    ::_exit(128 + number);
}

} // namespace finwait::daemon
