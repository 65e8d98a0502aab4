// Children of a test: one that only lives and holds what it inherited, one that answers a question.
#pragma once

#include "probe/kernel/unique_fd.hpp"
#include "tests/support/socket_pair.hpp"

#include <csignal>
#include <functional>
#include <string>

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace finwait::test {

/// A forked copy of this process that holds all its descriptors until it is killed.
class child_process
{
public:
    /// `first` runs in the child before the constructor returns here.
    explicit child_process(const std::function<void()>& first = [] {})
    {
        int ends[2] = {-1, -1};
        must(pipe2(ends, O_CLOEXEC) == 0, "pipe");
        const unique_fd read_end(ends[0]);
        unique_fd write_end(ends[1]);
        pid_ = fork();
        must(pid_ >= 0, "fork");
        if (pid_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            first();
            write_end.reset();
            for (;;)
                pause();
        }
        write_end.reset();
        char none = 0;
        must(read(read_end.get(), &none, 1) == 0, "child ready"); // its end is closed
    }
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process() { kill(); }

    pid_t pid() const { return pid_; }

    /// Kills it and waits for its end; a second time does nothing.
    void kill()
    {
        if (std::exchange(alive_, false)) {
            ::kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
        }
    }

private:
    pid_t pid_ = -1;
    bool alive_ = true;
};

/// What `question` says in a child of its own, where it may change what cannot be changed back.
/// A child that does not live to answer gives `no answer` and its wait status.
inline std::string answer_of_child(const std::function<std::string()>& question)
{
    int ends[2] = {-1, -1};
    must(pipe2(ends, O_CLOEXEC) == 0, "pipe");
    const unique_fd read_end(ends[0]);
    unique_fd write_end(ends[1]);
    const pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        const std::string answer = question() + "\n";
        const bool told = write(write_end.get(), answer.data(), answer.size()) ==
                          static_cast<ssize_t>(answer.size());
        _exit(told ? 0 : 1);
    }
    write_end.reset();
    std::string answer;
    char block[4096];
    for (ssize_t size = 0; (size = read(read_end.get(), block, sizeof block)) > 0;)
        answer.append(block, static_cast<std::size_t>(size));
    int status = 0;
    must(waitpid(child, &status, 0) == child, "waitpid");
    if (status != 0 || answer.empty())
        return "no answer, wait status " + std::to_string(status);
    answer.pop_back();
    return answer;
}

/// Gives up every right there is: a user without a name where this was root (not 65534, which is
/// what an id without a map looks like), no capability in any case.
inline void drop_rights()
{
    constexpr uid_t nobody = 60'123;
    if (geteuid() == 0) {
        (void)setgroups(0, nullptr); // refused in a user namespace, where there are none to lose
        must(setresgid(nobody, nobody, nobody) == 0, "setresgid");
        must(setresuid(nobody, nobody, nobody) == 0, "setresuid");
    }
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
    must(syscall(SYS_capset, &header, none) == 0, "capset");
    // Such a change makes a process undumpable, and its /proc files root's.
    must(prctl(PR_SET_DUMPABLE, 1) == 0, "prctl");
}

} // namespace finwait::test
