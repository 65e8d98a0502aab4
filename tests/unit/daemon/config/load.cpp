// The configuration as a whole: defaults, merging, what is written out.
#include "daemon/config/load.hpp"

#include "daemon/config/show.hpp"
#include "probe/origin/origin.hpp"
#include "tests/unit/daemon/config/sample.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

TEST_SUITE_BEGIN("daemon/config/load");

namespace {

using namespace std::chrono_literals;
using namespace finwait::daemon;
using finwait::daemon::sample::config_folder;
using finwait::daemon::sample::config_of;

finwait::endpoint tcp(const std::string& text)
{
    finwait::endpoint out;
    REQUIRE(finwait::parse_endpoint(text, out));
    return out;
}

// But for who named a place: what is written out is named by the file.
void check_same(configuration a, configuration b)
{
    for (configuration* each : {&a, &b}) {
        each->serve.unix_named_by = named_by::nobody;
        each->history.path_named_by = named_by::nobody;
        each->warnings.clear();
    }
    CHECK(a == b);
}

// A file with a certificate; gives its path.
std::string certificate_in(const config_folder& here, const std::string& name)
{
    auto made = finwait::origin::make_tls_context();
    REQUIRE(made);
    std::string path = here.path() + "/" + name;
    std::ofstream(path) << finwait::origin::certificate_of(**made);
    return path;
}

} // namespace

TEST_CASE("no file: everything has a default")
{
    config_folder here;
    const auto read = here.load();
    CHECK(read.errors.empty());
    CHECK(read.files.empty());
    CHECK(read.config.warnings.empty());
    CHECK(read.config.serve.unix_path == here.state() + "/api.sock");
    CHECK(read.config.serve.unix_named_by == named_by::nobody);
    CHECK(read.config.serve.tcp == tcp("127.0.0.1:9793"));
    CHECK(read.config.serve.tcp_writes == tcp_writes::never);
    CHECK(read.config.history.path == here.state() + "/history.db");
    CHECK(read.config.history.keep_expected == 7 * 24h);
    CHECK(read.config.history.keep_findings == 90 * 24h);
    CHECK(read.config.history.max_bytes == 256 * 1024 * 1024);
    REQUIRE(read.config.audits.size() == 1);
    CHECK(read.config.audits[0] == audit_settings{.name = "default", .every = 1h});
}

TEST_CASE("an unusable default is a warning, and not looked for when a socket is there")
{
    config_folder here;
    here.wanted.here = {.system_runtime = here.path() + "/absent"};
    auto read = here.load();
    CHECK(read.errors.empty());
    CHECK_FALSE(read.config.serve.unix_path);
    CHECK_FALSE(read.config.history.path);
    REQUIRE(read.config.warnings.size() == 2);
    CHECK(read.config.warnings[0].find("no Unix socket") != std::string::npos);
    CHECK(read.config.warnings[1].find("in memory only") != std::string::npos);
    here.wanted.has_unix_socket = true;
    read = here.load();
    CHECK(read.config.warnings.size() == 1);
    CHECK_FALSE(read.config.serve.unix_path);
}

TEST_CASE("a file that was named has to be there")
{
    config_folder here;
    here.wanted.file = here.path() + "/other.toml";
    CHECK(here.errors() == "other.toml: cannot be read: No such file or directory\n");
    here.wanted.file = here.path();
    CHECK(here.errors().find("cannot be read: Is a directory") != std::string::npos);
}

TEST_CASE("a file without a right to read it is an error, not a missing one")
{
    if (::geteuid() == 0)
        return; // root reads everything
    config_folder here;
    here.main("");
    std::filesystem::permissions(here.main_file(), std::filesystem::perms::none);
    CHECK(here.errors() == "finwait.toml: cannot be read: Permission denied\n");
}

TEST_CASE("a file that has no end is refused")
{
    config_folder here;
    here.main(std::string(1024 * 1024 + 1, '#'));
    CHECK(here.errors() == "finwait.toml: is larger than 1024 KiB\n");
    here.wanted.file = "/dev/zero";
    CHECK(here.errors() == "zero: cannot be read: it is no regular file\n");
}

TEST_CASE("nobody is waited for who might write a file")
{
    config_folder here;
    here.main("");
    const std::string pipe = here.path() + "/pipe.toml";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    SUBCASE("one that is named")
    {
        here.wanted.file = pipe;
        CHECK(here.errors() == "pipe.toml: cannot be read: it is no regular file\n");
    }
    SUBCASE("one among the drop-ins, which is left alone as a directory is")
    {
        REQUIRE(::mkfifo((here.drop_ins() + "/10.toml").c_str(), 0600) == 0);
        std::filesystem::create_directory(here.drop_ins() + "/20.toml");
        std::filesystem::create_symlink(pipe, here.drop_ins() + "/30.toml");
        here.drop_in("40.toml", "[limits]\nworkers = 40\n");
        CHECK(here.errors().empty());
        CHECK(here.load().files.size() == 2);
        CHECK(here.load().config.limits.workers == 40);
    }
    SUBCASE("a link to nothing among the drop-ins is a mistake, one to the null device is not")
    {
        std::filesystem::create_symlink("/nonexistent", here.drop_ins() + "/10.toml");
        std::filesystem::create_symlink("/dev/null", here.drop_ins() + "/20.toml");
        CHECK(here.errors() == "10.toml: cannot be read: No such file or directory\n");
        here.wanted.file = "/dev/null";
        CHECK(here.load().config.limits.workers == 0);
    }
}

TEST_CASE("every key is understood")
{
    const auto read = config_of(R"(
version = 1
[serve]
unix = "/run/elsewhere/api.sock"
tcp = "[::1]:9900"
tcp_writes = "token"
allowed_hosts = ["build7.example", "[::1]", "10.0.0.1"]
[history]
path = "other.db"
keep = { expected = "2d", finding = "1w" }
max_bytes = "64MiB"
[limits]
workers = 3
in_flight = 5
queue = 7
audit_queue = 11
per_target_interval = "1m30s"
[[targets]]
name = "checkout"
url = "https://checkout.example:8443/health"
allow = ["private", "loopback"]
[[audits]]
name = "nightly"
at = ["request_body", "connect"]
by = ["close", "reset"]
subjects = ["beast", "requests"]
tls = true
repeat = 5
calendar = "*-*-* 03:15:00"
[[audits]]
name = "outside"
target = "checkout"
by = ["close"]
every = "1d"
ipv6 = false
)");
    CHECK(read.serve.unix_path == "/run/elsewhere/api.sock");
    CHECK(read.serve.unix_named_by == named_by::configuration);
    CHECK(read.serve.tcp == tcp("[::1]:9900"));
    CHECK(read.serve.tcp_writes == tcp_writes::token);
    CHECK(read.serve.allowed_hosts.size() == 3);
    CHECK(read.history.path->filename() == "other.db");
    CHECK(read.history.path->is_absolute());
    CHECK(read.history.keep_expected == 48h);
    CHECK(read.history.keep_findings == 7 * 24h);
    CHECK(read.history.max_bytes == 64 * 1024 * 1024);
    CHECK(
        read.limits ==
        limit_settings{
            .workers = 3, .in_flight = 5, .queue = 7, .audit_queue = 11, .per_target_interval = 90s}
    );
    REQUIRE(read.targets.size() == 1);
    CHECK(
        read.targets[0] ==
        target_settings{
            .name = "checkout",
            .url = "https://checkout.example:8443/health",
            .allow_loopback = true,
            .allow_private = true}
    );
    REQUIRE(read.audits.size() == 3);
    CHECK(read.audits[0].name == "default");
    CHECK(
        read.audits[1] ==
        audit_settings{
            .name = "nightly",
            .at = {"request_body", "connect"},
            .by = {"close", "reset"},
            .subjects = {"beast", "requests"},
            .tls = true,
            .repeat = 5,
            .calendar = "*-*-* 03:15:00"}
    );
    CHECK(read.audits[2].target == "checkout");
    CHECK(read.audits[2].every == 24h);
}

TEST_CASE("an empty place turns it off, and is no warning")
{
    const auto read = config_of("[serve]\nunix = \"\"\ntcp = \"\"\n[history]\npath = \"\"\n");
    CHECK_FALSE(read.serve.unix_path);
    CHECK_FALSE(read.serve.tcp);
    CHECK_FALSE(read.history.path);
    CHECK(read.warnings.empty());
}

TEST_CASE("`all` among words means every one")
{
    const auto read =
        config_of("[[audits]]\nname = \"a\"\nat = [\"all\"]\nby = [\"close\", \"all\"]\n");
    CHECK(read.audits[1].at.empty());
    CHECK(read.audits[1].by.empty());
}

TEST_CASE("the default audit keeps its hour until another time, or none, is said")
{
    CHECK(config_of("[[audits]]\nname = \"default\"\nrepeat = 2\n").audits[0].every == 1h);
    CHECK_FALSE(config_of("[[audits]]\nname = \"default\"\nevery = \"off\"\n").audits[0].every);
    const auto read = config_of("[[audits]]\nname = \"default\"\ncalendar = \"daily\"\n");
    CHECK(read.audits[0].calendar == "daily");
    CHECK_FALSE(read.audits[0].every);
    CHECK(read.audits.size() == 1);
}

TEST_CASE("the command line is stronger than the files")
{
    config_folder here;
    here.main("[serve]\ntcp = \"\"\n[[audits]]\nname = \"default\"\ncalendar = \"daily\"\n");
    here.wanted.listen = tcp("127.0.0.1:1");
    here.wanted.every = 5min;
    const auto read = here.load();
    CHECK(read.config.serve.tcp == tcp("127.0.0.1:1"));
    CHECK(read.config.audits[0].every == 5min);
    CHECK_FALSE(read.config.audits[0].calendar);
}

TEST_CASE("drop-ins change tables key by key and lists of tables by name, in the order of names")
{
    config_folder here;
    here.main("[limits]\nworkers = 1\nqueue = 10\n[serve]\nallowed_hosts = [\"a\", \"b\"]\n"
              "[[targets]]\nname = \"t\"\nurl = \"http://one.example/\"\nallow = [\"private\"]\n"
              "[[audits]]\nname = \"n\"\nevery = \"1h\"\nrepeat = 3\n");
    here.drop_in("20.toml", "[limits]\nworkers = 20\n[[audits]]\nname = \"n\"\nrepeat = 20\n");
    here.drop_in(
        "10.toml",
        "[limits]\nworkers = 10\n[serve]\nallowed_hosts = [\"c\"]\n"
        "[[targets]]\nname = \"t\"\nurl = \"http://two.example/\"\n"
        "[[audits]]\nname = \"n\"\ncalendar = \"daily\"\n"
        "[[audits]]\nname = \"new\"\n"
    );
    here.drop_in("30.conf", "nonsense");
    here.drop_in(".hidden.toml", "nonsense");
    const auto read = here.load();
    CHECK(here.errors().empty());
    REQUIRE(read.files.size() == 3);
    CHECK(read.files[1].filename() == "10.toml");
    CHECK(read.config.limits.workers == 20);
    CHECK(read.config.limits.queue == 10);
    CHECK(read.config.serve.allowed_hosts == std::vector<std::string>{"c"});
    REQUIRE(read.config.targets.size() == 1);
    CHECK(read.config.targets[0].url == "http://two.example/");
    CHECK(read.config.targets[0].allow_private);
    REQUIRE(read.config.audits.size() == 3);
    CHECK(read.config.audits[1].calendar == "daily");
    CHECK_FALSE(read.config.audits[1].every);
    CHECK(read.config.audits[1].repeat == 20);
    CHECK(read.config.audits[2].name == "new");
}

TEST_CASE("the TLS of a target is changed key by key, and shown as it was read")
{
    config_folder here;
    const std::string ca = certificate_in(here, "a ca\".pem");
    here.main(
        "[[targets]]\nname = \"t\"\nurl = \"https://one.example/\"\n"
        "tls = { ca = '" +
        ca +
        "' }\n"
        "[[targets]]\nname = \"plain\"\nurl = \"https://two.example/\"\n"
    );
    here.drop_in("10.toml", "[[targets]]\nname = \"t\"\ntls = { min = \"1.3\" }\n");
    const auto read = here.load();
    CHECK(here.errors().empty());
    REQUIRE(read.config.targets.size() == 2);
    CHECK(
        (read.config.targets[0].tls ==
         finwait::tls_settings{.ca = ca, .min = finwait::tls_version::v1_3})
    );
    CHECK_FALSE(read.config.targets[1].tls);
    CHECK(config_of(to_toml(read.config)).targets == read.config.targets);
    here.drop_in("20.toml", "[[targets]]\nname = \"t\"\ntls = { ca = \"\" }\n");
    CHECK(here.load().config.targets[0].tls->ca.empty());
    CHECK(here.load().config.targets[0].tls->min == finwait::tls_version::v1_3);
}

TEST_CASE("drop-ins count without a main file, too")
{
    config_folder here;
    here.drop_in("10.toml", "[limits]\nworkers = 10\n");
    CHECK(here.load().config.limits.workers == 10);
}

TEST_CASE("all mistakes of all files come at once, in their order")
{
    config_folder here;
    here.main("[limts]\n[serve]\ntcp = 1\nunx = \"\"\n[history]\nmax_bytes = \"1 MB\"\n");
    here.drop_in("10.toml", "[serve\n");
    here.drop_in("20.toml", "[[audits]]\nname = \"n\"\nat = [\"conect\"]\n");
    CHECK(
        here.errors() ==
        "finwait.toml:1:2: limts is no key; did you mean \"limits\"?\n"
        "finwait.toml:3:7: serve.tcp must be a string, in quotes\n"
        "finwait.toml:4:1: serve.unx is no key; did you mean \"unix\"?\n"
        "finwait.toml:6:13: history.max_bytes must be a size: a number of bytes, or \"64k\", "
        "\"256MiB\", \"1g\"\n"
        "10.toml:1:7: Error while parsing table header: expected ']', saw '\\n'\n"
        "20.toml:3:7: audits.n.at has no kill point \"conect\"; did you mean \"connect\"?\n"
    );
}

TEST_CASE("a mistake that only two files make is told where it was said last")
{
    config_folder here;
    here.main("[[targets]]\nname = \"checkout\"\nurl = \"http://a.example/\"\n"
              "[[audits]]\nname = \"n\"\ntarget = \"origin\"\n");
    here.drop_in("10.toml", "[[audits]]\nname = \"n\"\ntarget = \"chekout\"\n");
    CHECK(
        here.errors() == "10.toml:3:10: audits.n.target has no target \"chekout\"; did you mean "
                         "\"checkout\"?\n"
    );
}

TEST_CASE("what is written out reads to the same configuration")
{
    const std::string texts[] = {
        "",
        "[serve]\nunix = \"\"\ntcp = \"\"\n[history]\npath = \"\"\n",
        "[serve]\nunix = \"/tmp/a\\\"b\\\\c\\u0001\"\ntcp = \"[::1]:1\"\ntcp_writes = \"token\"\n"
        "allowed_hosts = [\"a\", \"b.c\"]\n[history]\nkeep = { expected = \"1h30m\", finding = "
        "\"90d\" }\nmax_bytes = 1048577\n[limits]\nper_target_interval = \"1500ms\"\n",
        "[[targets]]\nname = \"t\"\nurl = \"http://a.example/\"\nallow = [\"private\"]\n"
        "[[audits]]\nname = \"default\"\nevery = \"off\"\n"
        "[[audits]]\nname = \"n\"\nat = [\"connect\"]\nby = [\"close\"]\nsubjects = [\"beast\", "
        "\"curl\"]\ntls = false\nrepeat = 7\ncalendar = \"Mon 04:00\"\n"};
    for (const std::string& text : texts) {
        CAPTURE(text);
        config_folder here;
        here.main(text);
        const auto first = here.load();
        REQUIRE(first.errors.empty());
        here.main(to_toml(first.config));
        CHECK(here.errors().empty());
        check_same(here.load().config, first.config);
    }
}

TEST_CASE("the example that is shipped is right, and says what holds without it")
{
    std::ifstream in(FINWAIT_SOURCE_ROOT "/packaging/finwait.toml");
    std::string text{std::istreambuf_iterator<char>(in), {}};
    REQUIRE_FALSE(text.empty());
    config_folder here;
    const auto without = here.load().config;
    here.main(text);
    CHECK(here.errors().empty());
    auto shipped = here.load().config;
    CHECK_FALSE(shipped.audits[0].every); // finwait-audit.timer has it instead
    shipped.audits[0].every = without.audits[0].every;
    check_same(shipped, without);
}

TEST_CASE("every line of the example that is a comment is right, too")
{
    std::ifstream in(FINWAIT_SOURCE_ROOT "/packaging/finwait.toml");
    std::string uncommented;
    std::size_t settings = 0;
    for (std::string line; std::getline(in, line);) {
        // A setting is `#key = …` or `#[table]`; words of explanation have a space after the `#`.
        if (line.size() > 1 && line[0] == '#' && line[1] != ' ') {
            line.erase(0, 1);
            ++settings;
        }
        uncommented += line + "\n";
    }
    CHECK(settings > 20);
    config_folder here;
    const std::string_view names = "/etc/ssl/checkout-ca.pem";
    REQUIRE(uncommented.find(names) != std::string::npos);
    uncommented.replace(uncommented.find(names), names.size(), certificate_in(here, "ca.pem"));
    here.main(uncommented);
    std::filesystem::create_directories(here.path() + "/subjects");
    CHECK(here.errors().empty());
    CHECK(here.load().config.targets.size() == 1);
    CHECK(here.load().config.audits.size() > 1);
}

TEST_CASE("what needs a restart is named")
{
    config_folder here;
    const auto running = here.load().config;
    here.main("[limits]\nworkers = 2\n[history]\nmax_bytes = \"1g\"\n");
    CHECK(needs_restart(running, here.load().config).empty());
    here.main("[serve]\ntcp = \"\"\nunix = \"\"\ntcp_writes = \"token\"\n"
              "allowed_hosts = [\"a\"]\n[history]\npath = \"\"\n");
    CHECK(
        needs_restart(running, here.load().config) ==
        std::vector<std::string>{
            "serve.unix", "serve.tcp", "serve.tcp_writes", "serve.allowed_hosts", "history.path"}
    );
}

TEST_SUITE_END();
