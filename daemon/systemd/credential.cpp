#include "daemon/systemd/credential.hpp"

#include "daemon/errors.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace finwait::daemon {

namespace {

constexpr std::size_t largest_credential = 4096;

std::string content_of(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    std::string text(largest_credential + 1, '\0');
    if (in)
        in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!in.is_open() || in.bad())
        throw usage_error(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(errno))
        );
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

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
    std::string secret = content_of(file);
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
