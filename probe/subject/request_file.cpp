#include "probe/subject/request_file.hpp"

#include "probe/kernel/system_error.hpp"
#include "probe/kernel/unique_fd.hpp"

#include <algorithm>
#include <map>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace finwait::subject {
namespace {

constexpr std::size_t piece_bytes = 64 * 1024;

/// A file with that many bytes, in which the piece is repeated.
result<kernel::unique_fd> make_file(const std::string& piece, std::uint64_t bytes)
{
    kernel::unique_fd file(::memfd_create("finwait-request-file", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file)
        return kernel::last_error();
    for (std::uint64_t done = 0; done < bytes;) {
        const auto from = static_cast<std::size_t>(done % piece.size());
        const auto wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(bytes - done, piece.size() - from));
        const auto written = ::write(file.get(), piece.data() + from, wanted);
        if (written <= 0)
            return kernel::last_error();
        done += static_cast<std::uint64_t>(written);
    }
    // Others have the same file: nobody may change it.
    constexpr int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (::fcntl(file.get(), F_ADD_SEALS, seals) != 0)
        return kernel::last_error();
    return file;
}

std::string path_of(const kernel::unique_fd& file)
{
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(file.get());
}

/// The file for that key, made where there is none yet.
template <class Key, class Make>
result<std::string> path_in(std::map<Key, kernel::unique_fd>& made, const Key& key, Make make)
{
    auto known = made.find(key);
    if (known == made.end()) {
        auto file = make();
        if (!file)
            return file.error();
        known = made.emplace(key, std::move(*file)).first;
    }
    return path_of(known->second);
}

} // namespace

result<request_file> request_file::holding(const std::string& text)
{
    static std::map<std::string, kernel::unique_fd> made;
    auto path = path_in(made, text, [&] { return make_file(text, text.size()); });
    if (!path)
        return path.error();
    return request_file(std::move(*path));
}

result<request_file> request_file::of(std::uint64_t bytes)
{
    static std::map<std::uint64_t, kernel::unique_fd> made;
    auto path =
        path_in(made, bytes, [&] { return make_file(std::string(piece_bytes, 'f'), bytes); });
    if (!path)
        return path.error();
    return request_file(std::move(*path));
}

} // namespace finwait::subject
