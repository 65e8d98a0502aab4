// Files that are written, and those that cannot be.
#include "daemon/output.hpp"

#include "daemon/errors.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace finwait::daemon;
namespace fs = std::filesystem;

namespace {

class temporary_folder
{
public:
    temporary_folder() { REQUIRE(::mkdtemp(name_.data()) != nullptr); }
    ~temporary_folder()
    {
        std::error_code ignored;
        fs::remove_all(name_, ignored);
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    fs::path operator/(const char* name) const { return fs::path(name_) / name; }
    std::size_t size() const
    {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(name_), {}));
    }

private:
    std::string name_ = "/tmp/finwait-output-XXXXXX";
};

std::string content_of(const fs::path& path)
{
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

TEST_SUITE_BEGIN("daemon/output");

TEST_CASE("a file is written whole, also over an older one, and nothing is left beside it")
{
    const temporary_folder folder;
    const auto path = folder / "a.xml";
    write_file(path, "a longer content");
    CHECK(content_of(path) == "a longer content");
    write_file(path, "short");
    CHECK(content_of(path) == "short");
    CHECK(folder.size() == 1);
}

TEST_CASE("what cannot be written is told with its name, and nothing is left")
{
    const temporary_folder folder;
    CHECK_THROWS_WITH_AS(
        write_file(folder / "no/such/folder", "x"),
        doctest::Contains("no/such/folder: No such file or directory"),
        output_error
    );
    CHECK_THROWS_WITH_AS(
        write_file("/dev/full", "x"), doctest::Contains("No space left on device"), output_error
    );
    CHECK(folder.size() == 0);
}

TEST_SUITE_END();
