// Pipes, sockets, files and devices as a worker may get them for standard input and output.
#include "daemon/byte_stream.hpp"

#include "probe/kernel/unique_fd.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace finwait::daemon;
using boost::system::error_code;
using finwait::kernel::unique_fd;

namespace {

struct two_ends
{
    unique_fd read;
    unique_fd write;
};

two_ends make_pipe()
{
    std::array<int, 2> fds{};
    REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
    return {unique_fd(fds[0]), unique_fd(fds[1])};
}

two_ends make_socket_pair()
{
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) == 0);
    return {unique_fd(fds[0]), unique_fd(fds[1])};
}

unique_fd make_file(std::string_view content)
{
    std::string name = "/tmp/finwait-byte-stream-XXXXXX";
    unique_fd file(::mkostemp(name.data(), O_CLOEXEC));
    REQUIRE(file);
    REQUIRE(::unlink(name.c_str()) == 0);
    REQUIRE(
        ::write(file.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size())
    );
    return file;
}

// Reads to the end; gives the text and what ended it.
struct reading
{
    std::string text;
    error_code end;
};

reading read_all(net::io_context& io, byte_source& from)
{
    reading got;
    std::function<void()> next = [&] {
        from.read([&](const error_code& ec, std::string_view bytes) {
            got.text += bytes;
            got.end = ec;
            if (!ec)
                next();
        });
    };
    next();
    io.restart();
    io.run();
    return got;
}

} // namespace

TEST_SUITE_BEGIN("daemon/byte_stream");

TEST_CASE("a pipe, a socket, a file from where it stands, and /dev/null are read to their end")
{
    net::io_context io;
    SUBCASE("pipe")
    {
        auto ends = make_pipe();
        REQUIRE(::write(ends.write.get(), "hello", 5) == 5);
        ends.write.reset();
        byte_source source(io, ends.read.get());
        const auto got = read_all(io, source);
        CHECK(got.text == "hello");
        CHECK(got.end == net::error::eof);
        CHECK((::fcntl(ends.read.get(), F_GETFL) & O_NONBLOCK) == 0);
    }
    SUBCASE("socket, which cannot be opened again")
    {
        auto ends = make_socket_pair();
        REQUIRE(::write(ends.write.get(), "hello", 5) == 5);
        ends.write.reset();
        byte_source source(io, ends.read.get());
        CHECK(read_all(io, source).text == "hello");
    }
    SUBCASE("file")
    {
        const auto file = make_file("skipped, hello");
        REQUIRE(::lseek(file.get(), 9, SEEK_SET) == 9);
        byte_source source(io, file.get());
        CHECK(read_all(io, source).text == "hello");
    }
    SUBCASE("/dev/null")
    {
        const unique_fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        byte_source source(io, null.get());
        const auto got = read_all(io, source);
        CHECK(got.text.empty());
        CHECK(got.end == net::error::eof);
    }
}

TEST_CASE("what is written arrives in order, and each write is told when it is done")
{
    net::io_context io;
    auto ends = make_pipe();
    error_code failed;
    byte_sink sink(io, ends.write.get(), [&](const error_code& ec) { failed = ec; });
    byte_source source(io, ends.read.get());
    const std::string large(300'000, 'x'); // more than a pipe holds
    std::string order;
    sink.write(large, [&] { order += 'a'; });
    sink.write("end", [&] { order += 'b'; });
    CHECK(sink.backlog_bytes() == large.size() + 3);
    std::string got;
    std::function<void()> next = [&] {
        source.read([&](const error_code& ec, std::string_view bytes) {
            REQUIRE_FALSE(ec);
            got += bytes;
            if (got.size() < large.size() + 3)
                next();
            else
                io.stop();
        });
    };
    next();
    io.run();
    CHECK(got == large + "end");
    CHECK(order.front() == 'a');
    CHECK_FALSE(failed);
}

TEST_CASE("a reader that goes away is noticed, also while nothing is written")
{
    net::io_context io;
    auto ends = make_pipe();
    error_code failed;
    byte_sink sink(io, ends.write.get(), [&](const error_code& ec) { failed = ec; });
    ends.read.reset();
    io.run();
    CHECK(failed == net::error::broken_pipe);
}

TEST_CASE("a full disk is told")
{
    net::io_context io;
    const unique_fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    REQUIRE(full);
    error_code failed;
    bool written = false;
    byte_sink sink(io, full.get(), [&](const error_code& ec) { failed = ec; });
    sink.write("x", [&] { written = true; });
    io.run();
    CHECK(failed == boost::system::errc::no_space_on_device);
    CHECK_FALSE(written);
}

TEST_CASE("a file is written where it stands")
{
    net::io_context io;
    const auto file = make_file("before ");
    byte_sink sink(io, file.get(), [](const error_code&) { FAIL("cannot happen"); });
    sink.write("after", {});
    io.run();
    std::array<char, 20> got{};
    CHECK(::pread(file.get(), got.data(), got.size(), 0) == 12);
    CHECK(std::string_view(got.data()) == "before after");
}

TEST_SUITE_END();
