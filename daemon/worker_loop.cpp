#include "daemon/worker_loop.hpp"

#include "daemon/byte_stream.hpp"
#include "daemon/children.hpp"
#include "daemon/courtesy.hpp"
#include "daemon/crew_choice.hpp"
#include "daemon/keeper.hpp"
#include "daemon/line_splitter.hpp"
#include "daemon/lost.hpp"
#include "daemon/malloc_tuning.hpp"
#include "daemon/output.hpp"
#include "daemon/process_setup.hpp"
#include "probe/model/possible.hpp"
#include "probe/ulid.hpp"
#include "web/json/client_limits.hpp"
#include "web/json/json.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <unistd.h>

namespace finwait::daemon {

namespace {

using boost::system::error_code;

// A client's texts with every byte escaped (\u00XX), and the plan.
constexpr std::size_t longest_plan_bytes = 6 * json::most_client_bytes + std::size_t{64} * 1024;
// Error objects need no slot: a reader that is too slow for them stops the reading of plans.
constexpr std::size_t longest_backlog_bytes = 1024 * 1024;
// For a probe of the built-in client; another one may take longer by what its order says.
constexpr std::chrono::seconds limit_after_input{90};

// The built-in client needs no program, and every other one does.
std::optional<json::parse_error> wrong_client(const json::plan_line& wanted)
{
    if (!is_external(wanted.plan) && wanted.client)
        return json::parse_error{
            "client", "is not for the built-in client beast; another subject would do"};
    if (is_external(wanted.plan) && !wanted.client)
        return json::parse_error{"client", "is missing: what to run for a subject but beast"};
    return {};
}

class worker_loop
{
public:
    worker_loop(
        net::io_context& io, const worker_settings& how, const lab::place& where, bool is_courteous
    )
        : io_(io), how_(how), signals_(io, SIGINT, SIGTERM), after_input_(io),
          input_(io, STDIN_FILENO),
          output_(io, STDOUT_FILENO, [this](const error_code& ec) { lose_output(ec); }),
          prober_(prober::make(io, where, how.how, {"/proc/self/exe", "client"}, how.targets))
    {
        if (is_courteous)
            courtesy_.emplace(io, courtesy::manner{});
        signals_.async_wait([this](const error_code& ec, int number) {
            if (!ec)
                end_by(number);
        });
        if (how.first == announce::environment)
            say(json::dump(where.environment()));
        pump();
    }

    exit_code result() const { return result_; }
    int signal() const { return signal_; }
    bool is_idle() const { return probes_ == 0; }

private:
    void pump();
    void read();
    void take(const input_line& line);
    void begin(json::plan_line wanted);
    void report_of(const std::string& id, std::exception_ptr failed, report done);
    void
    refuse(const input_line& line, const std::optional<std::string>& id, json::parse_error why);
    void say(std::string line);
    void input_ended();
    void limit_the_rest();
    void give_up();
    void end_if_done();
    void lose_output(const error_code& ec);
    void end_by(int number);
    bool may_begin() const
    {
        return slots_used_ < how_.in_flight && output_.backlog_bytes() < longest_backlog_bytes;
    }

    net::io_context& io_;
    const worker_settings& how_;
    net::signal_set signals_;
    net::steady_timer after_input_;
    byte_source input_;
    byte_sink output_;
    std::unique_ptr<prober> prober_;
    line_splitter lines_{longest_plan_bytes};
    std::optional<courtesy> courtesy_;
    std::map<std::string, json::plan_line> running_; ///< by id
    std::chrono::milliseconds slowest_client_{0};    ///< of all so far
    unsigned slots_used_ = 0; ///< probes running, and reports not yet written
    unsigned probes_ = 0;     ///< coroutines that have not ended
    bool reading_ = false;
    bool input_ended_ = false;
    exit_code result_ = exit_code::clean;
    int signal_ = 0;
};

void worker_loop::pump()
{
    while (may_begin()) {
        const auto line = lines_.next();
        if (!line)
            break;
        take(*line);
    }
    if (may_begin() && !reading_ && !input_ended_)
        read();
    end_if_done();
}

void worker_loop::read()
{
    reading_ = true;
    input_.read([this](const error_code& ec, std::string_view bytes) {
        reading_ = false;
        if (ec)
            input_ended(); // a read error ends the input as well: nothing more can come
        else
            lines_.push(bytes);
        pump();
    });
}

void worker_loop::take(const input_line& line)
{
    if (line.too_long)
        return refuse(
            line,
            {},
            {.field = "", .detail = fmt::format("longer than {} bytes", longest_plan_bytes)}
        );
    if (line.text.find_first_not_of(" \t\r") == std::string::npos)
        return;
    auto wanted = json::parse_plan(line.text);
    if (!wanted)
        return refuse(line, {}, wanted.error());
    wanted->plan = completed(std::move(wanted->plan));
    if (auto why = why_impossible(wanted->plan))
        return refuse(line, wanted->id, {.field = why->field, .detail = why->reason});
    if (auto why = wrong_client(*wanted))
        return refuse(line, wanted->id, std::move(*why));
    if (!wanted->id)
        wanted->id = make_ulid(std::chrono::system_clock::now());
    if (running_.contains(*wanted->id))
        return refuse(
            line, wanted->id, {.field = "id", .detail = "a probe with this id is running"}
        );
    begin(std::move(*wanted));
}

void worker_loop::begin(json::plan_line wanted)
{
    ++slots_used_;
    ++probes_;
    const std::string id = wanted.id.value();
    if (wanted.client)
        slowest_client_ = std::max(slowest_client_, longest_of(*wanted.client));
    if (input_ended_)
        limit_the_rest();
    running_.emplace(id, wanted);
    if (courtesy_)
        courtesy_->began(id, wanted.client ? courtesy::kind::program : courtesy::kind::built_in);
    net::co_spawn(
        io_,
        prober_->run(std::move(wanted.plan), id, std::move(wanted.client)),
        [this, id](std::exception_ptr failed, report done) {
            report_of(id, std::move(failed), std::move(done));
        }
    );
}

void worker_loop::report_of(const std::string& id, std::exception_ptr failed, report done)
{
    --probes_;
    if (courtesy_)
        courtesy_->ended(id);
    const auto found = running_.find(id);
    if (found == running_.end())
        return; // given up
    if (failed) {
        std::string text = "an internal error";
        try {
            std::rethrow_exception(failed);
        } catch (const std::exception& e) {
            text = e.what();
        } catch (...) {
        }
        complain(fmt::format("probe {} failed: {}", id, text));
        done = lost_report(found->second, {.code = "internal_error", .text = text});
    }
    running_.erase(found);
    output_.write(json::dump(done) + "\n", [this] {
        --slots_used_;
        pump();
    });
}

void worker_loop::refuse(
    const input_line& line, const std::optional<std::string>& id, json::parse_error why
)
{
    say(json::dump_error(line.number, id, why));
}

void worker_loop::say(std::string line)
{
    output_.write(std::move(line) + "\n", [this] { pump(); });
}

void worker_loop::input_ended()
{
    input_ended_ = true;
    lines_.finish();
    limit_the_rest();
}

void worker_loop::limit_the_rest()
{
    after_input_.expires_after(limit_after_input + slowest_client_);
    after_input_.async_wait([this](const error_code& ec) {
        if (!ec)
            give_up();
    });
}

void worker_loop::give_up()
{
    const auto unfinished = std::exchange(running_, {});
    for (const auto& [id, wanted] : unfinished)
        output_.write(
            json::dump(lost_report(
                wanted,
                {.code = "worker_ended",
                 .text = fmt::format(
                     "the worker's input ended, and {} s later this probe had not finished",
                     std::chrono::ceil<std::chrono::seconds>(limit_after_input + slowest_client_)
                         .count()
                 )}
            )) + "\n",
            [this] {
                --slots_used_;
                end_if_done();
            }
        );
}

void worker_loop::end_if_done()
{
    if (input_ended_ && slots_used_ == 0 && output_.backlog_bytes() == 0)
        io_.stop();
}

void worker_loop::lose_output(const error_code& ec)
{
    // Nobody is there to be told when the reader simply went away.
    if (ec != net::error::broken_pipe)
        complain("cannot write standard output: " + ec.message());
    result_ = exit_code::output;
    io_.stop();
}

void worker_loop::end_by(int number)
{
    signal_ = number;
    io_.stop();
}

} // namespace

exit_code run_worker(const worker_settings& how)
{
    forget_malloc_tuning();
    std::optional<pid_t> keeper;
    if (how.parent) {
        keeper = be_kept(*how.parent);
        if (!keeper)
            return exit_code::interrupted;
    }
    const bool is_courteous = how.is_courteous && lead_own_session();
    become_subreaper();
    ignore_broken_pipes();
    raise_descriptor_limit();
    const auto where = lab::place::enter(how.where);
    // Once more: to enter the lab is a change of credentials.
    if (keeper && !die_with(*keeper))
        return exit_code::interrupted;
    // One thread for all sockets: no lock is needed around an operation on one of them.
    net::io_context io(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO);
    auto loop = std::make_unique<worker_loop>(io, how, where, is_courteous);
    io.run();
    // Subjects first: destroying the rest may wait, and they are not to live a moment longer.
    if (const auto left = end_children({}); !left.empty())
        complain(fmt::format("{} processes cannot be ended, among them {}", left.size(), left[0]));
    if (loop->signal() != 0)
        die_by(loop->signal());
    if (!loop->is_idle())
        // Coroutines in the middle of a probe refer to what would be destroyed before them; the
        // kernel tidies up after them all the same.
        ::_exit(static_cast<int>(loop->result()));
    return loop->result();
}

} // namespace finwait::daemon
