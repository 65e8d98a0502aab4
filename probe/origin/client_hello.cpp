#include "probe/origin/client_hello.hpp"

#include <string>

namespace finwait::origin {

namespace {

constexpr std::size_t record_header_bytes = 5;
constexpr std::size_t message_header_bytes = 4;
constexpr std::size_t longest_record_bytes = 16384; // RFC 8446 5.1: 2^14
constexpr std::size_t longest_hello_bytes = 64 * 1024;

std::size_t octet(std::string_view bytes, std::size_t at)
{
    return static_cast<unsigned char>(bytes[at]);
}

hello_progress judge_message(std::string_view message)
{
    if (!message.empty() && octet(message, 0) != 1) // client_hello
        return hello_progress::malformed;
    if (message.size() < message_header_bytes)
        return hello_progress::incomplete;
    const auto length = octet(message, 1) << 16 | octet(message, 2) << 8 | octet(message, 3);
    if (length > longest_hello_bytes)
        return hello_progress::malformed;
    return message.size() < message_header_bytes + length ? hello_progress::incomplete
                                                          : hello_progress::complete;
}

} // namespace

hello_progress client_hello_in(std::string_view raw)
{
    std::string message;
    while (!raw.empty()) {
        if (octet(raw, 0) != 22 || (raw.size() > 1 && octet(raw, 1) != 3)) // handshake, TLS
            return hello_progress::malformed;
        if (raw.size() < record_header_bytes)
            break;
        const auto length = octet(raw, 3) << 8 | octet(raw, 4);
        if (length == 0 || length > longest_record_bytes)
            return hello_progress::malformed;
        message.append(raw.substr(record_header_bytes, length));
        raw.remove_prefix(std::min(raw.size(), record_header_bytes + length));
    }
    return judge_message(message);
}

} // namespace finwait::origin
