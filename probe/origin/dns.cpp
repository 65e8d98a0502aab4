#include "probe/origin/dns.hpp"

namespace finwait::origin {

namespace {

constexpr std::size_t header_bytes = 12;
constexpr std::size_t longest_label_bytes = 63;
constexpr std::size_t longest_name_bytes = 253; // RFC 1035 2.3.4 in its written form

unsigned octet(std::string_view packet, std::size_t at)
{
    return static_cast<unsigned char>(packet[at]);
}

unsigned word_at(std::string_view packet, std::size_t at)
{
    return octet(packet, at) << 8 | octet(packet, at + 1);
}

/// One label in lower case, appended to `name`; false when it holds what no host name holds.
bool append_label(std::string& name, std::string_view label)
{
    if (!name.empty())
        name += '.';
    for (const char c : label) {
        if (c == '.' || c <= ' ' || c > '~')
            return false;
        name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return name.size() <= longest_name_bytes;
}

} // namespace

std::optional<dns_question> parse_query(std::string_view packet)
{
    if (packet.size() < header_bytes)
        return std::nullopt;
    const bool is_answer_or_other_opcode = (octet(packet, 2) & 0xf8) != 0;
    if (is_answer_or_other_opcode || word_at(packet, 4) != 1)
        return std::nullopt;
    dns_question question;
    std::size_t at = header_bytes;
    while (at < packet.size() && octet(packet, at) != 0) {
        const auto length = octet(packet, at);
        if (length > longest_label_bytes || packet.size() - at <= length ||
            !append_label(question.name, packet.substr(at + 1, length)))
            return std::nullopt;
        at += 1 + length;
    }
    if (packet.size() < at + 5) // the root label, type and class
        return std::nullopt;
    question.type = static_cast<std::uint16_t>(word_at(packet, at + 1));
    question.end = at + 5;
    return question;
}

std::string nxdomain(std::string_view packet, const dns_question& question)
{
    constexpr char response = '\x80';
    constexpr char recursion_available_nxdomain = '\x83';
    const char recursion_desired = static_cast<char>(packet[2] & 1);
    std::string answer(packet.substr(0, question.end));
    answer[2] = static_cast<char>(response | recursion_desired);
    answer[3] = recursion_available_nxdomain;
    answer.replace(6, 6, 6, '\0'); // no answer, authority or additional records
    return answer;
}

bool is_asked(std::string_view asked, std::string_view name)
{
    return asked.starts_with(name) && (asked.size() == name.size() || asked[name.size()] == '.');
}

} // namespace finwait::origin
