#include "daemon/systemd/credential.hpp"

#include "daemon/errors.hpp"
#include "daemon/file_content.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

namespace finwait::daemon {

namespace {

constexpr std::size_t largest_credential = 4096;

} // namespace

std::optional<std::string> credential(std::string_view name, std::size_t least_bytes)
{
    const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");
    if (directory == nullptr || *directory == '\0')
        return std::nullopt;
    const auto file = std::filesystem::path(directory) / name;
    std::error_code failed;
    if (!std::filesystem::exists(file, failed))
        return std::nullopt;
    auto [text, why_not] = content_of(file, largest_credential + 1);
    if (!text)
        throw usage_error(fmt::format("{}: cannot be read: {}", file.string(), why_not));
    std::string secret = std::move(*text);
    if (secret.size() > largest_credential)
        throw usage_error(fmt::format("{}: is longer than 4 KiB", file.string()));
    if (!secret.empty() && secret.back() == '\n')
        secret.pop_back();
    if (secret.size() < least_bytes)
        throw usage_error(
            fmt::format("{}: a secret has at least {} bytes", file.string(), least_bytes)
        );
    return secret;
}

} // namespace finwait::daemon
