// The XML as a golden text, with everything in it that must be escaped.
#include "daemon/junit.hpp"

#include "tests/unit/daemon/sample.hpp"

#include <doctest/doctest.h>

using namespace finwait;
using namespace finwait::daemon;
using sample::cell;

TEST_SUITE_BEGIN("daemon/junit");

TEST_CASE("a case per cell: failures, errors, and what is not run")
{
    auto good = cell(kill_point::idle, kill_method::close);
    good.took_ns = 1'500'000;
    auto bad = sample::finding();
    bad.reasons = {{"a&b", "<\"text\"> \x01\xff\xef\xbf\xbf", "x>y"}};
    audit done = sample::concluded(
        {good,
         bad,
         cell(kill_point::idle, kill_method::exit, verdict::unverified),
         sample::control(verdict::held)}
    );
    done.environment.not_run = {{"resolve", "no \"port\" 53", "root"}};
    CHECK(
        junit(done) ==
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuite name=\"finwait\" id=\"01K00000000000000000000AAA\" tests=\"5\" failures=\"2\" "
        "errors=\"1\" skipped=\"1\" time=\"2.100000\">\n"
        "  <testcase classname=\"finwait.idle\" name=\"close http\" time=\"0.001500\"/>\n"
        "  <testcase classname=\"finwait.request_body\" name=\"close http\" "
        "time=\"0.000000\">\n"
        "    <failure message=\"leaked\">a&amp;b: &lt;&quot;text&quot;&gt; "
        "\\x01\\xff\xef\xbf\xbd [x&gt;y]\n"
        "finwait probe --at request_body --by close\n"
        "</failure>\n"
        "  </testcase>\n"
        "  <testcase classname=\"finwait.idle\" name=\"exit http\" time=\"0.000000\">\n"
        "    <error message=\"unverified\">finwait probe --at idle --by exit\n"
        "</error>\n"
        "  </testcase>\n"
        "  <testcase classname=\"finwait.idle\" name=\"abandon http\" time=\"0.000000\">\n"
        "    <failure message=\"a control was not caught: held\">finwait probe --at idle --by "
        "abandon\n"
        "</failure>\n"
        "  </testcase>\n"
        "  <testcase classname=\"finwait.not_run\" name=\"resolve\">\n"
        "    <skipped message=\"no &quot;port&quot; 53 root\"/>\n"
        "  </testcase>\n"
        "</testsuite>\n"
    );
}

TEST_SUITE_END();
