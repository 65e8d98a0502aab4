#include "web/status_page.hpp"

#include "web/json/service.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <new>

namespace finwait::web {

namespace {

/// `self` changes without an event.
constexpr auto longest_life = std::chrono::seconds(1);

/// The first 128 bits of a SHA-256, as an entity tag.
std::string tag_of(std::string_view text)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
        throw std::bad_alloc(); // the only way in which a digest in memory can fail
    return fmt::format("\"{:02x}\"", fmt::join(digest.begin(), digest.begin() + 16, ""));
}

} // namespace

const status_page::rendered&
status_page::now(const backend& from, std::uint64_t revision, std::uint64_t index)
{
    const auto time = std::chrono::steady_clock::now();
    if (last_ && revision == revision_ && time - made_ < longest_life)
        return *last_;
    auto status = from.status();
    status.index = index;
    last_ = rendered{
        std::make_shared<const std::string>(json::dump(status)),
        tag_of(json::dump(status, json::self_part::without)),
        status.status,
        index};
    revision_ = revision;
    made_ = time;
    return *last_;
}

} // namespace finwait::web
