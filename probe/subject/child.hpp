// A program started by the worker, in a process group of its own, and ended with it.
#pragma once

#include "probe/kernel/sock_diag.hpp"
#include "probe/kernel/unique_fd.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace finwait::subject {

namespace net = boost::asio;
using kernel::result;

/// A child process. Its standard input and output are pipes to us (standard error goes to the
/// same pipe as the output); it has default signal actions, an empty mask, and no other descriptor.
/// It is born in the network namespace that the calling thread is in. The parent stands still until
/// the child has exec'd (posix_spawn(3): CLONE_VM | CLONE_VFORK), so no copy of a socket exists in
/// between that would fake a leak.
class child
{
public:
    /// Starts `command` (argv; the first is the program's path). `handed_down` becomes descriptor 3
    /// of the child. Errors: those of posix_spawn(3) (ENOENT, EACCES), EMFILE, EAGAIN.
    static result<std::unique_ptr<child>>
    start(net::io_context& io, std::vector<std::string> command, std::optional<int> handed_down);

    int pid() const { return pid_; }
    int pidfd() const { return pidfd_.get(); }
    const std::vector<std::string>& command() const { return command_; }

    /// Everything it has said so far, at most 64 KiB.
    const std::string& output() const { return output_; }

    /// Sends it a line. False when it has closed its input or does not read.
    bool tell(const std::string& line);

    /// Its next line, without the newline. Errors: timed_out, eof (it closed its output).
    net::awaitable<result<std::string>> read_line(std::chrono::steady_clock::duration limit);

    /// Kills its process group with SIGKILL and reaps it, unless that has happened. Waits for the
    /// kernel to end it, which takes no time unless it waits for a device.
    void end();

    ~child() { end(); }
    child(const child&) = delete;
    child& operator=(const child&) = delete;

private:
    child(net::io_context& io, std::vector<std::string> command, int pid, kernel::unique_fd pidfd);

    std::vector<std::string> command_;
    int pid_;
    kernel::unique_fd pidfd_;
    kernel::unique_fd input_;
    net::posix::stream_descriptor from_;
    std::string output_;
    std::string unread_; ///< received and not yet given as a line
};

} // namespace finwait::subject
