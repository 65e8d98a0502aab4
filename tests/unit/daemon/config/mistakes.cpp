// Every refusal of the configuration, with its place and its words.
#include "tests/unit/daemon/config/sample.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

TEST_SUITE_BEGIN("daemon/config/mistakes");

namespace {

using finwait::daemon::sample::config_folder;
using finwait::daemon::sample::errors_of;

struct row
{
    std::string text;
    std::string says; ///< the beginning of the one complaint
};

void check(std::initializer_list<row> rows)
{
    for (const row& each : rows) {
        CAPTURE(each.text);
        const std::string errors = errors_of(each.text);
        CHECK(errors.substr(0, each.says.size()) == each.says);
        CHECK(errors.find('\n') == errors.size() - 1);
    }
}

// Of several complaints the beginnings, each of a line.
void check_lines(const std::string& text, const std::vector<std::string>& beginnings)
{
    std::istringstream lines(errors_of(text));
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        CAPTURE(line);
        REQUIRE(count < beginnings.size());
        CHECK(line.substr(0, beginnings[count].size()) == beginnings[count]);
    }
    CHECK(count == beginnings.size());
}

} // namespace

TEST_CASE("TOML that is none")
{
    check({
        {"x", "finwait.toml:1:2: "},
        {"version = 1\nversion = 1\n", "finwait.toml:2:"},
        {"a = \"\xff\"\n", "finwait.toml:1:"},
    });
}

TEST_CASE("keys and kinds of values")
{
    check({
        {"version = 2\n", "finwait.toml:1:11: version must be 1, the format that"},
        {"version = \"1\"\n", "finwait.toml:1:11: version must be 1"},
        {"server = 1\n", "finwait.toml:1:1: server is no key; did you mean \"serve\"?"},
        {"serve = 1\n", "finwait.toml:1:9: serve must be a table: [serve]"},
        {"audits = 1\n", "finwait.toml:1:10: audits must be tables: [[audits]]"},
        {"[audits]\n", "finwait.toml:1:1: audits must be tables: [[audits]]"},
        {"audits = [1]\n", "finwait.toml:1:11: audits must be tables: [[audits]]"},
        {"\"\\u001b[2J\" = 1\n", "finwait.toml:1:1: \\x1b[2J is no key; one of: version, serve"},
    });
}

TEST_CASE("[serve]")
{
    check({
        {"[serve]\nunix = \"api.sock\"\n", "finwait.toml:2:8: serve.unix must be an absolute path"},
        {"[serve]\nunix = \"/" + std::string(107, 'x') + "\"\n",
         "finwait.toml:2:8: serve.unix is longer than the 107 bytes"},
        {"[serve]\ntcp = \"9793\"\n",
         "finwait.toml:2:7: serve.tcp \"9793\" is no address with a port; write "
         "\"127.0.0.1:9793\""},
        {"[serve]\ntcp = \"localhost:9793\"\n", "finwait.toml:2:7: serve.tcp \"localhost:9793\""},
        {"[serve]\ntcp = \"127.0.0.1:99999\"\n", "finwait.toml:2:7: serve.tcp"},
        {"[serve]\ntcp = \"0.0.0.0:9793\"\n",
         "finwait.toml:2:7: serve.tcp must be on a loopback address"},
        {"[serve]\ntcp = \"[::]:9793\"\n", "finwait.toml:2:7: serve.tcp must be on a loopback"},
        {"[serve]\ntcp = \"192.168.0.1:9793\"\n",
         "finwait.toml:2:7: serve.tcp must be on a loopback"},
        {"[serve]\ntcp = \"[::ffff:127.0.0.1]:9900\"\n",
         "finwait.toml:2:7: serve.tcp must be on a loopback address: what is served there is for "
         "this host only; write \"127.0.0.1:9900\""},
        {"[serve]\ntcp = \"[::ffff:10.0.0.1]:9900\"\n",
         "finwait.toml:2:7: serve.tcp must be on a loopback address: what is served there is for "
         "this host only\n"},
        {"[serve]\ntcp_writes = \"tokens\"\n",
         "finwait.toml:2:14: serve.tcp_writes has no \"tokens\"; did you mean \"token\"?"},
        {"[serve]\ntcp_writes = true\n", "finwait.toml:2:14: serve.tcp_writes must be a string"},
        {"[serve]\nallowed_hosts = \"a\"\n",
         "finwait.toml:2:17: serve.allowed_hosts must be a list of strings"},
        {"[serve]\nallowed_hosts = [\"a\", 1]\n",
         "finwait.toml:2:23: serve.allowed_hosts must be a list of strings"},
        {"[serve]\nallowed_hosts = [\"a\", \"b:80\"]\n",
         "finwait.toml:2:23: serve.allowed_hosts has \"b:80\", which is no host's name"},
        {"[serve]\nallowed_hosts = [\"\"]\n", "finwait.toml:2:18: serve.allowed_hosts has \"\""},
        {"[serve]\nallowed_hosts = [\"*\"]\n", "finwait.toml:2:18: serve.allowed_hosts has \"*\""},
    });
    std::string many;
    for (int i = 0; i < 51; ++i)
        many += "\"a\",";
    check(
        {{"[serve]\nallowed_hosts = [" + many + "]\n",
          "finwait.toml:2:17: serve.allowed_hosts can have at most 50"}}
    );
}

TEST_CASE("[history]")
{
    check({
        {"[history]\nkeep = \"7d\"\n", "finwait.toml:2:8: history.keep must be a table"},
        {"[history]\nkeep = { expected = 7 }\n",
         "finwait.toml:2:21: history.keep.expected must be a duration, in quotes"},
        {"[history]\nkeep = { expected = \"1s\" }\n",
         "finwait.toml:2:21: history.keep.expected must be at least \"1m\""},
        {"[history]\nkeep = { findings = \"7d\" }\n",
         "finwait.toml:2:10: history.keep.findings is no key; did you mean \"finding\"?"},
        {"[history]\nkeep = { expected = \"100d\" }\n",
         "finwait.toml:2:8: history.keep has findings go before clean results"},
        {"[history]\nmax_bytes = \"1k\"\n",
         "finwait.toml:2:13: history.max_bytes must be at least \"1MiB\""},
        {"[history]\nmax_bytes = -1\n", "finwait.toml:2:13: history.max_bytes must be a size"},
        {"[history]\nmax_bytes = \"8EiB\"\n",
         "finwait.toml:2:13: history.max_bytes must be a size"},
    });
    config_folder here;
    here.wanted.here.state_directory.reset();
    here.main("[history]\npath = \"x.db\"\n");
    CHECK(here.errors().find("finwait.toml:2:8: history.path is relative, and there is no") == 0);
}

TEST_CASE("[limits]")
{
    check({
        {"[limits]\nworkers = 1025\n",
         "finwait.toml:2:11: limits.workers must be a whole number from 0 to 1024"},
        {"[limits]\nworkers = -1\n", "finwait.toml:2:11: limits.workers must be"},
        {"[limits]\nworkers = 1.0\n", "finwait.toml:2:11: limits.workers must be"},
        {"[limits]\nin_flight = 9223372036854775807\n", "finwait.toml:2:13: limits.in_flight must"},
        {"[limits]\nqueue = 0\n",
         "finwait.toml:2:9: limits.queue must be a whole number from 1 to 10000"},
        {"[limits]\naudit_queue = \"1\"\n", "finwait.toml:2:15: limits.audit_queue must be"},
        {"[limits]\nper_target_interval = 1\n",
         "finwait.toml:2:23: limits.per_target_interval must be a duration"},
        {"[limits]\nper_target_interval = \"2h\"\n",
         "finwait.toml:2:23: limits.per_target_interval must be at most \"1h\""},
    });
}

TEST_CASE("[subjects]")
{
    check({
        {"[subjects]\ndirectories = [\"subjects\"]\n",
         "finwait.toml:2:16: subjects.directories must be absolute paths"},
        {"[subjects]\ndirectories = [\"/nonexistent/subjects\"]\n",
         "finwait.toml:2:16: subjects.directories has \"/nonexistent/subjects\", which is no"},
        {"[subjects]\ndirectories = [\"/dev/null\"]\n",
         "finwait.toml:2:16: subjects.directories has \"/dev/null\", which is no directory"},
    });
}

TEST_CASE("[[targets]]")
{
    const std::string head = "[[targets]]\nname = \"t\"\n";
    check({
        {"[[targets]]\nurl = \"http://a.example/\"\n", "finwait.toml:1:1: targets.name is missing"},
        {"[[targets]]\nname = \"A\"\nurl = \"http://a.example/\"\n",
         "finwait.toml:2:8: targets.name must be 1 to 40 of the letters a to z"},
        {"[[targets]]\nname = \"\"\nurl = \"http://a.example/\"\n",
         "finwait.toml:2:8: targets.name"},
        {"[[targets]]\nname = \"" + std::string(41, 'a') + "\"\nurl = \"http://a.example/\"\n",
         "finwait.toml:2:8: targets.name must be"},
        {"[[targets]]\nname = \"origin\"\nurl = \"http://a.example/\"\n",
         "finwait.toml:2:8: targets.origin.name is origin, a name that finwait has given already"},
        {head, "finwait.toml:1:1: targets.t.url is missing"},
        {head + "url = \"a.example\"\n", "finwait.toml:3:7: targets.t.url is no URL"},
        {head + "url = \"ftp://a.example/\"\n", "finwait.toml:3:7: targets.t.url has the scheme"},
        {head + "url = \"http://a.example/\"\nallow = [\"privat\"]\n",
         "finwait.toml:4:10: targets.t.allow has no \"privat\"; did you mean \"private\"?"},
        {head + "url = \"http://a.example/\"\nheaders = {}\n",
         "finwait.toml:4:1: targets.t.headers is no key; one of: name, url, allow, tls"},
        {head + "url = \"http://a.example/\"\n" + head + "url = \"http://b.example/\"\n",
         "finwait.toml:5:8: targets.t.name is there twice in this file"},
    });
}

TEST_CASE("tls of [[targets]]")
{
    const std::string head = "[[targets]]\nname = \"t\"\nurl = \"https://a.example/\"\n";
    const config_folder here;
    const std::string rubbish = here.path() + "/rubbish.pem";
    std::ofstream(rubbish) << "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const std::string absent = here.path() + "/absent.pem";
    const std::string other = here.path() + "/other.pem";
    std::ofstream(other) << "no certificate\n";
    const auto ca = [&](const std::string& path) {
        return head + "tls = { min = \"1.3\", ca = \"" + path + "\" }\n";
    };
    const auto unusable = [](const std::string& path, const std::string& why) {
        return "finwait.toml:4:27: targets.t.tls.ca has \"" + path +
               "\", which cannot be used: " + why;
    };
    check({
        {head + "tls = true\n", "finwait.toml:4:7: targets.t.tls must be a table: [targets.t.tls]"},
        {head + "tls = { min = \"1.1\" }\n",
         "finwait.toml:4:15: targets.t.tls.min has no \"1.1\"; did you mean \"1.2\"?"},
        {head + "tls = { min = 1.2 }\n", "finwait.toml:4:15: targets.t.tls.min must be a string"},
        {head + "tls = { cas = \"/x\" }\n",
         "finwait.toml:4:9: targets.t.tls.cas is no key; did you mean \"ca\"?"},
        {head + "[targets.tls]\nsession_tickets = false\n",
         "finwait.toml:5:1: targets.t.tls.session_tickets is no key; one of: ca, min"},
        {ca("ca.pem"), "finwait.toml:4:27: targets.t.tls.ca must be an absolute path, or \"\" for"},
        {ca(absent), unusable(absent, "No such file or directory")},
        {ca(here.path()), unusable(here.path(), "it is no regular file")},
        {ca(other), unusable(other, "it has no certificate in PEM form")},
        {ca(rubbish), unusable(rubbish, "one of its certificates cannot be read")},
        {"[[targets]]\nname = \"t\"\nurl = \"http://a.example/\"\ntls = {}\n",
         "finwait.toml:4:7: targets.t.tls is for an https URL; the target's says http"},
    });
}

TEST_CASE("[[audits]]")
{
    const std::string head = "[[audits]]\nname = \"n\"\n";
    check({
        {"[[audits]]\nrepeat = 1\n", "finwait.toml:1:1: audits.name is missing"},
        {"[[audits]]\nname = 1\n", "finwait.toml:2:8: audits.name must be a string"},
        {"[[audits]]\nname = \"ad hoc\"\n", "finwait.toml:2:8: audits.name must be 1 to 40"},
        {"[[audits]]\nname = \"probe\"\n", "finwait.toml:2:8: audits.probe.name is probe"},
        {head + "at = \"all\"\n", "finwait.toml:3:6: audits.n.at must be a list of strings"},
        {head + "at = [\"request-body\"]\n",
         "finwait.toml:3:7: audits.n.at has no kill point \"request-body\"; did you mean "
         "\"request_body\"?"},
        {head + "by = [\"close\", \"sigkil\"]\n",
         "finwait.toml:3:16: audits.n.by has no kill method \"sigkil\"; did you mean \"sigkill\"?"},
        {head + "subjects = [\"beast\", \"reqests\"]\n",
         "finwait.toml:3:22: audits.n.subjects: unknown subject \"reqests\": did you mean "
         "\"requests\"?"},
        {head + "subjects = [\"requests:sesion\"]\n",
         "finwait.toml:3:13: audits.n.subjects: requests has no mode \"sesion\""},
        {head + "target = \"orgin\"\n",
         "finwait.toml:3:10: audits.n.target has no target \"orgin\"; did you mean \"origin\"?"},
        {head + "tls = \"yes\"\n", "finwait.toml:3:7: audits.n.tls must be true or false"},
        {head + "repeat = 0\n",
         "finwait.toml:3:10: audits.n.repeat must be a whole number from 1 to 100000"},
        {head + "every = \"soon\"\n",
         "finwait.toml:3:9: audits.n.every must be a duration of at least \"1s\""},
        {head + "every = \"10ms\"\n", "finwait.toml:3:9: audits.n.every must be a duration"},
        {head + "every = 60\n", "finwait.toml:3:9: audits.n.every must be a string"},
        {head + "calendar = \"dayly\"\n",
         "finwait.toml:3:12: audits.n.calendar \"dayly\" is no calendar expression: did you mean "
         "\"daily\"?"},
        {head + "calendar = \"2020-01-01\"\n",
         "finwait.toml:3:12: audits.n.calendar \"2020-01-01\" never comes again"},
        {head + "every = \"1h\"\ncalendar = \"daily\"\n",
         "finwait.toml:4:12: audits.n.calendar cannot be said together with `every`"},
        {head + "command = [\"/bin/sh\"]\n", "finwait.toml:3:1: audits.n.command is no key"},
        {head + "at = [\"resolve\"]\nby = [\"peer_reset\"]\n",
         "finwait.toml:1:1: audits.n: resolve by peer_reset cannot be probed"},
        {head + head, "finwait.toml:4:8: audits.n.name is there twice in this file"},
    });
}

TEST_CASE("each audit is looked at by itself, whatever is wrong elsewhere")
{
    const std::string impossible = "at = [\"resolve\"]\nby = [\"peer_reset\"]\n";
    const auto audit = [](const std::string& name, const std::string& rest) {
        return "[[audits]]\nname = \"" + name + "\"\n" + rest;
    };
    check_lines(
        "[limits]\nqueue = 0\n" + audit("a", impossible) + audit("b", impossible) +
            audit("c", "at = [\"resolve\"]\nby = [\"peer_rest\"]\nrepeat = 100000\n") +
            audit("d", "target = \"t\"\n" + impossible) + audit("e", "repeat = 100000\n") +
            "[[targets]]\nname = \"t\"\n",
        {"finwait.toml:2:9: limits.queue must be",
         "finwait.toml:3:1: audits.a: resolve by peer_reset cannot be probed",
         "finwait.toml:7:1: audits.b: resolve by peer_reset cannot be probed",
         // And nothing else of it, nor of what has a target of which nothing is known.
         "finwait.toml:14:7: audits.c.by has no kill method \"peer_rest\"",
         "finwait.toml:23:10: audits.e.repeat: ",
         "finwait.toml:24:1: targets.t.url is missing"}
    );
}

TEST_CASE("an audit that would be refused when it starts is refused here")
{
    const std::string head = "[[audits]]\nname = \"n\"\nat = [\"idle\"]\nby = [\"close\"]\n";
    const std::string whole = "[[audits]]\nname = \"n\"\n";
    CHECK(errors_of(head + "repeat = 1000\n").empty());
    const std::string one = errors_of(head + "repeat = 100000\n");
    CHECK(one.find("finwait.toml:5:10: audits.n.repeat: ") == 0);
    CHECK(one.find(" cells 100000 times are more than 50000; at most ") != std::string::npos);
    CHECK(one.find(" times can be\n") != std::string::npos);
    CHECK(errors_of(whole + "repeat = 1000\n").find("finwait.toml:3:10: audits.n.repeat: ") == 0);
    // What makes it too many may stand in another file than its repetitions.
    config_folder here;
    here.main(head + "repeat = 5000\n");
    CHECK(here.errors().empty());
    here.drop_in("10.toml", whole + "at = [\"all\"]\nby = [\"all\"]\n");
    CHECK(here.errors().find("finwait.toml:5:10: audits.n.repeat: ") == 0);
}

TEST_CASE("an address that no probe would be sent to is refused, used or not")
{
    const auto target = [](const std::string& url, const std::string& rest = "") {
        return "[[targets]]\nname = \"t\"\nurl = \"" + url + "\"\n" + rest;
    };
    check({
        {target("http://169.254.169.254/", "allow = [\"loopback\", \"private\"]\n"),
         "finwait.toml:3:7: targets.t.url leads to 169.254.169.254, a metadata address; no target "
         "may"},
        {target("http://[fd00::5efe:169.254.169.254]/", "allow = [\"private\"]\n"),
         "finwait.toml:3:7: targets.t.url leads to fd00::5efe:a9fe:a9fe, a metadata address"},
        {target("https://[fe80::1]/"), "finwait.toml:3:7: targets.t.url leads to fe80::1, a link-"},
        {target("http://127.0.0.1:8080/"),
         "finwait.toml:3:7: targets.t.url leads to 127.0.0.1, a loopback address; if that is "
         "meant, set allow = [\"loopback\"]"},
        {target("http://10.0.0.1/", "allow = [\"loopback\"]\n"),
         "finwait.toml:3:7: targets.t.url leads to 10.0.0.1, a private address; if that is meant, "
         "set allow = [\"private\"]"},
    });
    CHECK(errors_of(target("http://127.0.0.1:8080/", "allow = [\"loopback\"]\n")).empty());
    CHECK(errors_of(target("http://metadata.example/")).empty()); // looked at once it is resolved
    // Of one that is wrong anyhow nothing is guessed.
    check({{target("http://10.0.0.1/", "allow = [\"privat\"]\n"), "finwait.toml:4:10: "}});
    config_folder here;
    here.main(target("http://10.0.0.1/"));
    here.drop_in("10.toml", "[[targets]]\nname = \"t\"\nallow = [\"private\"]\n");
    CHECK(here.errors().empty());
}

TEST_CASE("no more audits and targets than labels of metrics can bear")
{
    std::string audits;
    std::string targets;
    for (int i = 0; i < 50; ++i) {
        audits += "[[audits]]\nname = \"a" + std::to_string(i) + "\"\n";
        targets +=
            "[[targets]]\nname = \"t" + std::to_string(i) + "\"\nurl = \"http://a.example/\"\n";
    }
    CHECK(errors_of(targets).empty());
    check({
        {audits, "finwait.toml:99:1: there can be at most 50 audits"}, // and the default one
        {targets + "[[targets]]\nname = \"u\"\nurl = \"http://a.example/\"\n",
         "finwait.toml:151:1: there can be at most 50 targets"},
    });
}

TEST_CASE("a directory of drop-ins has an end")
{
    config_folder here;
    for (int i = 0; i < 101; ++i)
        here.drop_in(std::to_string(i) + ".toml", "");
    CHECK(here.errors() == "conf.d: has more than 100 files\n");
}

TEST_SUITE_END();
