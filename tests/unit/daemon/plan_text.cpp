// Plans in words, and commands that mean them.
#include "daemon/plan_text.hpp"

#include "daemon/plan_arguments.hpp"
#include "probe/model/possible.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace finwait;
using namespace finwait::daemon;

namespace {

// Reads our own command again; no argument of it holds a space.
plan understood(const std::string& command)
{
    std::istringstream in(command);
    std::string word;
    plan_arguments words;
    in >> word >> word;
    while (in >> word) {
        const auto value = [&] {
            std::string text;
            in >> text;
            return text;
        };
        if (word == "--at")
            words.at = {value()};
        else if (word == "--by")
            words.by = {value()};
        else if (word == "--tls")
            words.tls = true;
        else if (word == "--ipv6")
            words.ipv6 = true;
        else if (word == "--unread")
            words.unread = true;
        else if (word == "--blocked")
            words.blocked = true;
        else if (word == "--request")
            words.request = value();
        else if (word == "--response")
            words.response = value();
        else
            FAIL("an option that is not known here: ", word);
    }
    return one_plan(words);
}

} // namespace

TEST_SUITE_BEGIN("daemon/plan_text");

TEST_CASE("the command of every cell of the matrix runs that cell again")
{
    for (const plan& each : every_plan()) {
        CAPTURE(command_of(each));
        CHECK(understood(command_of(each)) == each);
    }
}

TEST_CASE("two cells of one field never have the same text")
{
    const auto plans = every_plan();
    for (std::size_t i = 0; i < plans.size(); ++i)
        for (std::size_t k = i + 1; k < plans.size(); ++k)
            if (plans[i].at == plans[k].at && plans[i].by == plans[k].by)
                CHECK(variant_of(plans[i]) != variant_of(plans[k]));
}

TEST_CASE("what is not as by default is told")
{
    plan what;
    what.at = kill_point::response_body;
    CHECK(variant_of(what) == "http");
    what.tls = true;
    what.unread = true;
    what.family = address_family::ipv6;
    what.response = {framing::chunked, 64 * kibibyte};
    what.after = after_action::reset;
    CHECK(variant_of(what) == "https, ipv6, response chunked 64 KiB, unread, after reset");
}

TEST_CASE("what a shell would take apart is quoted")
{
    plan what;
    what.target = "http://127.0.0.1/a?b=c&d='e'";
    CHECK(command_of(what).ends_with("--target 'http://127.0.0.1/a?b=c&d='\\''e'\\'''"));
}

TEST_CASE("what is asked of a target's TLS is part of the command")
{
    plan what;
    what.target = "https://127.0.0.1/";
    what.tls = true;
    what.target_tls = tls_settings{.ca = "/etc/my ca.pem", .min = tls_version::v1_3};
    CHECK(command_of(what).ends_with(
        "--target https://127.0.0.1/ --ca '/etc/my ca.pem' --tls-min 1.3"
    ));
    what.target_tls = tls_settings{};
    CHECK(command_of(what).ends_with("--target https://127.0.0.1/"));
}

TEST_CASE("another client is told by its subject and its requests")
{
    plan what;
    what.subject = "requests:kept";
    what.requests = 3;
    what.by = kill_method::own;
    CHECK(variant_of(what).starts_with("http, requests:kept"));
    CHECK(variant_of(what).ends_with("3 requests"));
    CHECK(command_of(what).find(" --subject requests:kept") != std::string::npos);
    CHECK(command_of(plan{}).find("--subject") == std::string::npos);
}

TEST_SUITE_END();
