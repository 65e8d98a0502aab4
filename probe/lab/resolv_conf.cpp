#include "probe/lab/resolv_conf.hpp"

#include "probe/lab/lab.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include <arpa/inet.h>

namespace finwait::lab {

namespace {

constexpr std::uint16_t dns_port = 53;
constexpr std::size_t most_nameservers = 3; // MAXNS in resolv.h
constexpr std::string_view blanks = " \t\r";

std::string_view take_word(std::string_view& line)
{
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    const std::string_view word = line.substr(0, line.find_first_of(blanks));
    line.remove_prefix(word.size());
    return word;
}

std::optional<endpoint> parse_address(const std::string& text)
{
    endpoint where;
    where.port = dns_port;
    if (inet_pton(AF_INET, text.c_str(), where.address.data()) == 1)
        return where;
    where.family = address_family::ipv6;
    if (inet_pton(AF_INET6, text.c_str(), where.address.data()) == 1)
        return where;
    return std::nullopt;
}

} // namespace

std::vector<endpoint> parse_nameservers(std::string_view text)
{
    std::vector<endpoint> found;
    for (std::size_t counted = 0; !text.empty() && counted < most_nameservers;) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        // The keyword starts the line: ` nameserver` is none (resolv.conf(5)).
        if (!line.starts_with("nameserver") || take_word(line) != "nameserver")
            continue;
        const std::string_view word = take_word(line);
        const auto scope = word.find('%');
        const auto address = parse_address(std::string(word.substr(0, scope)));
        if (!address)
            continue;
        ++counted;
        if (scope == std::string_view::npos)
            found.push_back(*address);
    }
    return found;
}

std::vector<endpoint> configured_nameservers()
{
    std::ifstream file("/etc/resolv.conf");
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    return parse_nameservers(text);
}

} // namespace finwait::lab
