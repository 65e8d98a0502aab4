// When a ClientHello is complete, and what is none. Made by hand; a real one is in tests/kernel.
#include "probe/origin/client_hello.hpp"

#include <doctest/doctest.h>

#include <string>

using finwait::origin::client_hello_in;
using finwait::origin::hello_progress;

namespace {

std::string record(const std::string& content, char type = 22)
{
    const auto size = content.size();
    return std::string{type, 3, 1, static_cast<char>(size >> 8), static_cast<char>(size & 0xff)} +
           content;
}

std::string hello(std::size_t bytes, char type = 1)
{
    return std::string{
               type,
               static_cast<char>(bytes >> 16),
               static_cast<char>((bytes >> 8) & 0xff),
               static_cast<char>(bytes & 0xff)} +
           std::string(bytes, 'h');
}

} // namespace

TEST_SUITE("probe/origin/client_hello")
{
    TEST_CASE("is complete with its last byte and not before, in one record or several")
    {
        const auto message = hello(300);
        for (const auto& raw :
             {record(message),
              record(message.substr(0, 2)) + record(message.substr(2, 200)) +
                  record(message.substr(202))}) {
            for (std::size_t bytes = 0; bytes < raw.size(); ++bytes)
                CHECK(client_hello_in(raw.substr(0, bytes)) == hello_progress::incomplete);
            CHECK(client_hello_in(raw) == hello_progress::complete);
            CHECK(client_hello_in(raw + "x") == hello_progress::malformed);
        }
    }

    TEST_CASE("what is none is malformed as early as can be told")
    {
        CHECK(client_hello_in("G") == hello_progress::malformed);
        CHECK(client_hello_in("\x16G") == hello_progress::malformed);
        CHECK(client_hello_in(record(hello(300), 23)) == hello_progress::malformed);
        CHECK(client_hello_in(record(hello(300, 2))) == hello_progress::malformed);
        CHECK(client_hello_in(std::string("\x16\x03\x01\0\0", 5)) == hello_progress::malformed);
        CHECK(client_hello_in(std::string("\x16\x03\x01\xff\xff", 5)) == hello_progress::malformed);
        CHECK(client_hello_in(record(hello(0xf0000).substr(0, 100))) == hello_progress::malformed);
    }
}
