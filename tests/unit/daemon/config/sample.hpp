// Configurations written by tests.
#pragma once

#include "daemon/config/load.hpp"
#include "tests/unit/daemon/folder.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace finwait::daemon::sample {

/// A folder with a finwait.toml and drop-ins, and surroundings that are inside it.
class config_folder
{
public:
    config_folder()
    {
        std::filesystem::create_directories(drop_ins());
        std::filesystem::create_directories(state());
        wanted.default_file = main_file();
        wanted.here = {.state_directory = state(), .system_runtime = state()};
        wanted.subject_directories = {FINWAIT_SOURCE_ROOT "/packaging/subjects"};
    }

    config_folder& main(std::string_view text)
    {
        inside_.file("finwait.toml", text);
        return *this;
    }
    config_folder& drop_in(const std::string& name, std::string_view text)
    {
        inside_.file("conf.d/" + name, text);
        return *this;
    }

    loaded_config load() const { return finwait::daemon::load(wanted); }

    /// All that is wrong, a line each, with file names alone instead of paths.
    std::string errors() const
    {
        std::string out;
        for (config_error each : load().errors) {
            each.file = std::filesystem::path(each.file).filename().string();
            out += text_of(each) + "\n";
        }
        return out;
    }

    std::string path() const { return inside_.path(); }
    std::string main_file() const { return path() + "/finwait.toml"; }
    std::string drop_ins() const { return path() + "/conf.d"; }
    std::string state() const { return path() + "/state"; }

    config_request wanted;

private:
    folder inside_;
};

/// What is wrong with the text as a whole configuration, a line each.
inline std::string errors_of(std::string_view text)
{
    return config_folder().main(text).errors();
}

/// The configuration of a text in which nothing is wrong.
inline configuration config_of(std::string_view text)
{
    config_folder here;
    here.main(text);
    const auto read = here.load();
    for (const config_error& each : read.errors)
        FAIL_CHECK(text_of(each));
    return read.config;
}

} // namespace finwait::daemon::sample
