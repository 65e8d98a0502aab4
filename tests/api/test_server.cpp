// The server with the fake backend, for tests in other languages: prints its port, listens also on
// the Unix socket whose path is its argument, serves until its standard input ends.
#include "tests/api/fake_backend.hpp"
#include "web/server.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <array>
#include <cstdio>

#include <unistd.h>

int main(int count, char** arguments)
{
    using namespace finwait::web;
    fake_backend backend;
    net::io_context io(1);
    server_options options;
    options.tcp = {net::ip::address_v4::loopback(), 0};
    if (count > 1)
        options.unix_path = arguments[1];
    options.log = [](const std::string& line) {
        std::fprintf(stderr, "%s\n", line.c_str());
    };
    const auto made = server::make(io, backend, std::move(options));
    if (!made) {
        std::fprintf(stderr, "%s\n", made.error().code.message().c_str());
        return 99;
    }
    std::printf("%u\n", (*made)->tcp()->port());
    std::fflush(stdout);
    net::posix::stream_descriptor input(io, dup(STDIN_FILENO));
    std::array<char, 1> byte{};
    input.async_read_some(net::buffer(byte), [&](auto, auto) { (*made)->stop(); });
    io.run();
}
