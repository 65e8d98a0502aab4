// A folder of a test's own.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include <stdlib.h>

namespace finwait::daemon::sample {

/// Gone with all that is in it when the object is.
class folder
{
public:
    folder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
    ~folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;

    const std::string& path() const { return path_; }

    /// Writes a file and gives its path.
    std::string file(const std::string& name, std::string_view content, int mode = 0600) const
    {
        std::string where = path_ + "/" + name;
        std::ofstream(where, std::ios::binary) << content;
        std::filesystem::permissions(where, static_cast<std::filesystem::perms>(mode));
        return where;
    }

private:
    std::string path_ = "/tmp/finwait-unit-XXXXXX";
};

} // namespace finwait::daemon::sample
