// Real processes: a program, what it starts, and how all of them are found and ended.
#include "probe/subject/family.hpp"

#include "probe/subject/spawn.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <iterator>
#include <sstream>
#include <string>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace finwait::subject;
using namespace std::chrono_literals;

namespace {

struct shell
{
    spawned process;
    family whose;
    finwait::kernel::unique_fd output;

    /// The numbers of the next line that it prints.
    std::vector<std::int32_t> pids() const
    {
        std::string line;
        for (char c = 0; ::read(output.get(), &c, 1) == 1 && c != '\n';)
            line += c;
        std::istringstream words(line);
        return {std::istream_iterator<std::int32_t>(words), {}};
    }
};

shell start(const std::string& script)
{
    auto pipe = make_pipe().value();
    shell out;
    out.whose.mark = "a mark of the test";
    spawn_order order;
    order.program = "sh";
    order.command = {"sh", "-c", script};
    order.environment = own_environment();
    set_variable(order.environment, mark_name, out.whose.mark);
    order.output = pipe.write.get();
    order.which = leads::session;
    out.process = spawn(order).value();
    out.whose.head = out.process.pid;
    out.output = std::move(pipe.read);
    return out;
}

class subreaper
{
public:
    explicit subreaper(int on) { (void)::prctl(PR_SET_CHILD_SUBREAPER, on, 0, 0, 0); }
    ~subreaper() { (void)::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); }
    subreaper(const subreaper&) = delete;
    subreaper& operator=(const subreaper&) = delete;
};

} // namespace

TEST_SUITE_BEGIN("probe/subject/family");

TEST_CASE("all that a program has started is found and ended, wherever it has gone")
{
    for (const int on : {0, 1}) {
        CAPTURE(on);
        const subreaper now(on);
        // One in its group, and one that has left group, session and parent.
        const auto one =
            start("sleep 1000 & a=$!; setsid sh -c 'echo '$$' '$a' $$; exec sleep 1000' "
                  "& wait");
        auto pids = one.pids();
        REQUIRE(pids.size() == 3);
        CHECK(pids.front() == one.whose.head);
        std::ranges::sort(pids);
        CHECK(members_of(one.whose) == pids);
        CHECK(end_family(one.whose, 1min).empty());
        CHECK(members_of(one.whose).empty());
        CHECK(is_started_here(one.whose.head));
        const auto status = reap(one.whose.head, 1min);
        REQUIRE(status);
        CHECK(WIFSIGNALED(*status));
        CHECK_FALSE(is_started_here(one.whose.head));
    }
}

TEST_CASE("an orphan is known also while it becomes another program")
{
    const subreaper now(1);
    // It replaces itself without end: most looks fall into an execve(2).
    const auto one = start("export next='exec sh -c \"$next\"'; "
                           "setsid sh -c 'echo $$; exec sh -c \"$next\"' & exit");
    const auto orphan = one.pids();
    CHECK(reap(one.whose.head, 1min));
    for (int look = 0; look < 2000; ++look)
        REQUIRE(members_of(one.whose) == orphan);
    CHECK(end_family(one.whose, 1min).empty());
    CHECK(members_of(one.whose).empty());
}

TEST_CASE("two programs are told apart, also by their orphans")
{
    const subreaper now(1);
    auto one = start("setsid sh -c 'echo $$; exec sleep 1000' & exit");
    auto other = start("setsid sh -c 'echo $$; exec sleep 1000' & exit");
    one.whose.mark += "not"; // by which its orphan is not known
    const auto orphan = other.pids();
    CHECK(reap(other.whose.head, 1min));
    const auto members = members_of(other.whose);
    CHECK(std::ranges::count(members, orphan.front()) == 1);
    CHECK(std::ranges::count(members_of(one.whose), orphan.front()) == 0);
    CHECK(end_family(other.whose, 1min).empty());
    one.whose.mark = other.whose.mark;
    CHECK(end_family(one.whose, 1min).empty());
    CHECK(reap(one.whose.head, 1min));
}

TEST_CASE("orphans that ended by themselves leave no zombie")
{
    const subreaper now(1);
    const auto one = start("for i in 1 2 3 4 5 6 7; do (true &) ; done; echo x; exec sleep 1000");
    (void)one.pids();
    CHECK(end_family(one.whose, 1min).empty());
    CHECK(reap(one.whose.head, 1min));
    CHECK(children_of(::getpid()).empty());
}

TEST_CASE("a program that ignores signals, or is stopped, is ended all the same")
{
    for (const char* const how :
         {"trap '' TERM INT HUP CONT; echo x; sleep 1000; sleep 1000",
          "sleep 1000 & echo x; kill -STOP $$"}) {
        CAPTURE(how);
        const auto one = start(how);
        (void)one.pids();
        CHECK(end_family(one.whose, 1min).empty());
        CHECK(reap(one.whose.head, 1min));
    }
}

TEST_CASE("what cannot be ended within the limit is given")
{
    const auto one = start("echo x; exec sleep 1000");
    (void)one.pids();
    CHECK_FALSE(reap(one.whose.head, 1ms)); // it lives
    CHECK(end_family(one.whose, 1min).empty());
    CHECK(reap(one.whose.head, 1min));
    CHECK(reap(one.whose.head, 1min) == 0); // no child of ours any more
}

TEST_SUITE_END();
