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

result<kernel::unique_fd> make_file(std::uint64_t bytes)
{
    kernel::unique_fd file(::memfd_create("finwait-request-body", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file)
        return kernel::last_error();
    const std::string piece(piece_bytes, 'f');
    for (std::uint64_t left = bytes; left > 0;) {
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size()));
        const auto written = ::write(file.get(), piece.data(), wanted);
        if (written <= 0)
            return kernel::last_error();
        left -= static_cast<std::uint64_t>(written);
    }
    // Others have the same file: nobody may change it.
    constexpr int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (::fcntl(file.get(), F_ADD_SEALS, seals) != 0)
        return kernel::last_error();
    return file;
}

} // namespace

result<request_file> request_file::of(std::uint64_t bytes)
{
    static std::map<std::uint64_t, kernel::unique_fd> made;
    auto known = made.find(bytes);
    if (known == made.end()) {
        auto file = make_file(bytes);
        if (!file)
            return file.error();
        known = made.emplace(bytes, std::move(*file)).first;
    }
    return request_file(
        "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(known->second.get())
    );
}

} // namespace finwait::subject
