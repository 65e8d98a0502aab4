// The JSON Schema for editors against the program that reads the file: keys, words,
// defaults. Its patterns are looked at in tests/system/config.py.
#include "probe/model/kill_method.hpp"
#include "probe/model/kill_point.hpp"
#include "tests/unit/daemon/config/sample.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

TEST_SUITE_BEGIN("daemon/config/schema");

namespace {

using finwait::daemon::sample::config_folder;
using finwait::daemon::sample::errors_of;
using nlohmann::json;

const json& schema()
{
    static const json read = [] {
        std::ifstream in(FINWAIT_SOURCE_ROOT "/web/schemas/config.json");
        return json::parse(in);
    }();
    return read;
}

// One table of the file: how it begins in TOML, and its part of the schema.
struct table
{
    std::string head;
    json properties;
};

std::vector<table> tables()
{
    const json& all = schema().at("properties");
    std::vector<table> out{{"", all}};
    for (const char* name : {"serve", "history", "limits", "subjects"})
        out.push_back({"[" + std::string(name) + "]\n", all.at(name).at("properties")});
    for (const char* name : {"targets", "audits"})
        out.push_back({"[[" + std::string(name) + "]]\n", all.at(name).at("items").at("properties")}
        );
    out.push_back(
        {"[history.keep]\n", all.at("history").at("properties").at("keep").at("properties")}
    );
    out.push_back(
        {"[[targets]]\nname = \"example\"\nurl = \"https://a.example/\"\n[targets.tls]\n",
         all.at("targets").at("items").at("properties").at("tls").at("properties")}
    );
    return out;
}

std::set<std::string> keys_of(const json& object)
{
    std::set<std::string> out;
    for (const auto& [key, value] : object.items())
        out.insert(key);
    return out;
}

// Those that the program lists when it meets a word that is like none of them.
std::set<std::string> keys_known_in(const std::string& head)
{
    const std::string errors = errors_of(head + "qqqqqqqqqqqqqqqqqqqq = 1\n");
    static const std::string before = "qqqqqqqqqqqqqqqqqqqq is no key; one of: ";
    const auto from = errors.find(before);
    REQUIRE(from != std::string::npos);
    const auto start = from + before.size();
    std::istringstream list(errors.substr(start, errors.find('\n', start) - start));
    std::set<std::string> out;
    for (std::string key; std::getline(list >> std::ws, key, ',');)
        out.insert(key);
    return out;
}

// JSON's strings, numbers, answers and lists are TOML's, too.
std::string toml_of(const json& value)
{
    if (!value.is_object())
        return value.dump();
    std::string out;
    for (const auto& [key, each] : value.items())
        out += (out.empty() ? "{ " : ", ") + key + " = " + toml_of(each);
    return out + " }";
}

template <class Enum>
std::set<std::string> words_and_all()
{
    std::set<std::string> out{"all"};
    for (const auto each : finwait::words<Enum>::table)
        out.emplace(each);
    return out;
}

std::set<std::string> words_in_schema(const char* key)
{
    const json& items =
        schema().at("properties").at("audits").at("items").at("properties").at(key).at("items");
    return items.at("enum").get<std::set<std::string>>();
}

} // namespace

TEST_CASE("the schema knows the keys that the program knows, table by table")
{
    for (const table& each : tables()) {
        CAPTURE(each.head);
        CHECK(keys_known_in(each.head) == keys_of(each.properties));
    }
}

TEST_CASE("the schema knows the words that the program knows")
{
    CHECK(words_in_schema("at") == words_and_all<finwait::kill_point>());
    CHECK(words_in_schema("by") == words_and_all<finwait::kill_method>());
}

TEST_CASE("every example of the schema is right for the program")
{
    int examples = 0;
    for (const table& each : tables())
        for (const auto& [key, property] : each.properties.items())
            for (const json& example : property.value("examples", json::array())) {
                const bool is_target = each.head == "[[targets]]\n";
                std::string text = each.head;
                if (each.head.starts_with("[[") && each.head.ends_with("]]\n") && key != "name")
                    text += "name = \"example\"\n";
                if (is_target && key != "url")
                    text += "url = \"http://a.example/\"\n";
                text += key + " = " + toml_of(example) + "\n";
                CAPTURE(text);
                CHECK(errors_of(text) == "");
                ++examples;
            }
    CHECK(examples > 30);
}

TEST_CASE("every default of the schema is what holds without it")
{
    const auto nothing = config_folder().load().config;
    const json& all = schema().at("properties");
    std::string text;
    for (const char* name : {"history", "limits"}) {
        text += "[" + std::string(name) + "]\n";
        for (const auto& [key, property] : all.at(name).at("properties").items())
            if (property.contains("default") && key != "path")
                text += key + " = " + toml_of(property.at("default")) + "\n";
    }
    const json& keep = all.at("history").at("properties").at("keep").at("properties");
    text += "[history.keep]\n";
    for (const auto& [key, property] : keep.items())
        text += key + " = " + toml_of(property.at("default")) + "\n";
    text += "[serve]\n";
    for (const auto& [key, property] : all.at("serve").at("properties").items())
        if (property.contains("default"))
            text += key + " = " + toml_of(property.at("default")) + "\n";
    text += "[[audits]]\nname = \"default\"\n";
    const json& audits = all.at("audits").at("items").at("properties");
    for (const auto& [key, property] : audits.items())
        if (property.contains("default"))
            text += key + " = " + toml_of(property.at("default")) + "\n";
    CAPTURE(text);
    config_folder here;
    here.main(text);
    CHECK(here.errors() == "");
    const auto with = here.load().config;
    CHECK(with.limits == nothing.limits);
    CHECK(with.audits == nothing.audits);
    CHECK(with.serve.tcp == nothing.serve.tcp);
    CHECK(with.serve.tcp_writes == nothing.serve.tcp_writes);
    CHECK(with.history.keep_expected == nothing.history.keep_expected);
    CHECK(with.history.keep_findings == nothing.history.keep_findings);
    CHECK(with.history.max_bytes == nothing.history.max_bytes);
}

TEST_SUITE_END();
