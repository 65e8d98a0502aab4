// The files that {body_file} and {ca_file} name.
#pragma once

#include "probe/kernel/sock_diag.hpp"

#include <cstdint>
#include <string>

namespace finwait::subject {

using kernel::result;

/// A file in memory, that no directory has and that goes with this process, however it ends. Its
/// path, below /proc/self's number, can be opened by children of this process and changed by
/// nobody.
class request_file
{
public:
    /// With that text. Made once and kept. Errors as below.
    static result<request_file> holding(const std::string& text);

    /// With so many bytes of `f`.
    /// Made once per size and kept. Errors: those of memfd_create(2) and ftruncate(2): EMFILE,
    /// ENOMEM, ENOSPC.
    static result<request_file> of(std::uint64_t bytes);

    const std::string& path() const { return path_; }

private:
    explicit request_file(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

} // namespace finwait::subject
