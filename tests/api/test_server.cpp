// The server with the fake backend, for tests in other languages: prints its port, serves until its
// standard input ends.
#include "tests/api/fake_backend.hpp"
#include "web/server.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <array>
#include <cstdio>

#include <unistd.h>

int main()
{
    using namespace finwait::web;
    const fake_backend backend;
    net::io_context io(1);
    server_options options;
    options.where = {net::ip::make_address("127.0.0.1"), 0};
    options.log = [](const std::string& line) {
        std::fprintf(stderr, "%s\n", line.c_str());
    };
    const auto made = server::make(io, backend, std::move(options));
    if (!made) {
        std::fprintf(stderr, "%s\n", made.error().message().c_str());
        return 99;
    }
    std::printf("%u\n", (*made)->local().port());
    std::fflush(stdout);
    net::posix::stream_descriptor input(io, dup(STDIN_FILENO));
    std::array<char, 1> byte{};
    input.async_read_some(net::buffer(byte), [&](auto, auto) { (*made)->stop(); });
    io.run();
}
