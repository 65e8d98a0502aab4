// Readiness that is not ours: Asio keeps what epoll told of a descriptor that is closed in the same
// turn, and hands it to the next descriptor that is opened. Whoever waits asks again.
#include "daemon/byte_stream.hpp"
#include "daemon/worker_process.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace finwait::daemon;
using boost::system::error_code;
namespace net = boost::asio;

namespace {

// Runs `open` in a turn in which epoll has told of a broken and full pipe as well, which `open`
// finds closed: its first descriptor inherits POLLIN, POLLHUP and POLLERR.
class stale_turn
{
public:
    void run(net::io_context& io, const std::function<void()>& open)
    {
        std::array<int, 2> first{};
        std::array<int, 2> second{};
        REQUIRE(::pipe2(first.data(), O_CLOEXEC) == 0);
        REQUIRE(::pipe2(second.data(), O_CLOEXEC | O_NONBLOCK) == 0);
        net::posix::stream_descriptor early(io, first[0]);
        net::posix::stream_descriptor late(io, second[1]);
        std::array<char, 1> byte{};
        int broken = 0;
        late.async_wait(net::posix::stream_descriptor::wait_error, [&](const error_code&) {
            ++broken;
        });
        early.async_read_some(net::buffer(byte), [&](const error_code& ec, std::size_t) {
            REQUIRE_FALSE(ec);
            late.close();
            open();
        });
        REQUIRE(::write(first[1], "x", 1) == 1);
        ::close(first[1]);
        ::close(second[0]);
        io.poll();
        REQUIRE(broken == 1);
    }
};

// A program that lives until its standard input ends.
class patient_program
{
public:
    patient_program()
    {
        const int fd = ::mkostemp(path_.data(), O_CLOEXEC);
        REQUIRE(fd >= 0);
        const std::string_view text = "#!/bin/sh\nread -r line\n";
        REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
        REQUIRE(::fchmod(fd, 0700) == 0);
        ::close(fd);
    }
    patient_program(const patient_program&) = delete;
    patient_program& operator=(const patient_program&) = delete;
    ~patient_program() { ::unlink(path_.c_str()); }

    const std::string& path() const { return path_; }

private:
    std::string path_ = "/tmp/finwait-patient-XXXXXX";
};

} // namespace

TEST_CASE("a worker that lives is not taken for a dead one")
{
    net::io_context io;
    worker_options how;
    const patient_program program;
    how.program = program.path();
    std::shared_ptr<worker_process> worker;
    std::string ended;
    stale_turn().run(io, [&] {
        auto started = worker_process::start(
            io,
            how,
            {.said = [](std::string_view) {},
             .babbled = [] {},
             .ended =
                 [&](const std::string& text) {
                     ended = text;
                 }}
        );
        REQUIRE(started);
        worker = *started;
    });
    CHECK(ended.empty());
    worker->end_now();
}

TEST_CASE("a pipe that has a reader is not taken for a broken one")
{
    net::io_context io;
    std::array<int, 2> pipe{};
    REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
    std::unique_ptr<byte_sink> sink;
    error_code failed;
    stale_turn().run(io, [&] {
        sink = std::make_unique<byte_sink>(io, pipe[1], [&](const error_code& ec) { failed = ec; });
    });
    CHECK_FALSE(failed);
    ::close(pipe[0]);
    io.run_one();
    CHECK(failed);
    ::close(pipe[1]);
}
