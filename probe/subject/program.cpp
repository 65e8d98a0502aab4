#include "probe/subject/program.hpp"

#include "probe/kernel/system_error.hpp"
#include "probe/subject/family.hpp"

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace finwait::subject {
namespace {

using boost::system::error_code;

/// Longer lines are of no protocol: they are cut there.
constexpr std::size_t longest_line_bytes = 4 * 1024;

/// The event loop stands still meanwhile.
constexpr auto longest_ending = std::chrono::seconds(5);

/// The proxies would be asked instead of the origin. Both spellings are in use.
constexpr std::array<std::string_view, 9> not_inherited{
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "GLIBC_TUNABLES",
    "NOTIFY_SOCKET",
    "LISTEN_FDS"};

/// Whose certificates a program trusts: OpenSSL's own, and those of curl(1), requests and node(1).
constexpr std::array<std::string_view, 4> names_of_trust{
    "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"};

std::string in_words(const siginfo_t& status)
{
    if (status.si_code == CLD_EXITED)
        return "exit status " + std::to_string(status.si_status);
    return "signal " + std::to_string(status.si_status);
}

/// What there is to be read; a process may end meanwhile (ESRCH), and then there is no more.
std::string read_whole(const std::filesystem::path& file)
{
    const kernel::unique_fd from(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    std::string out;
    std::array<char, 4096> piece{};
    while (from) {
        const auto got = ::read(from.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        out.append(piece.data(), static_cast<std::size_t>(got));
    }
    return out;
}

std::uint64_t mask_in(const std::string& status, std::string_view field)
{
    const auto at = status.find(field);
    if (at == std::string::npos)
        return 0;
    const char* first = status.data() + at + field.size();
    const char* const last = status.data() + status.size();
    first = std::find_if(first, last, [](char c) { return c != ' ' && c != '\t'; });
    std::uint64_t mask = 0;
    std::from_chars(first, last, mask, 16);
    return mask;
}

} // namespace

std::string fill_in(std::string_view text, const replacements& known)
{
    std::string out;
    while (!text.empty()) {
        const auto open = text.find('{');
        out += text.substr(0, open);
        if (open == std::string_view::npos)
            break;
        text.remove_prefix(open);
        const auto close = text.find('}');
        const auto found =
            close == std::string_view::npos ? known.end() : known.find(text.substr(1, close - 1));
        if (found == known.end()) {
            out += '{';
            text.remove_prefix(1);
        } else {
            out += found->second;
            text.remove_prefix(close + 1);
        }
    }
    return out;
}

environment_block
environment_of(const client_order& how, const std::string& mark, const replacements& known)
{
    auto block = own_environment();
    for (const auto name : not_inherited)
        remove_variable(block, name);
    set_variable(block, "NO_PROXY", "*");
    set_variable(block, "no_proxy", "*");
    set_variable(block, "PYTHONUNBUFFERED", "1");
    set_variable(block, "PYTHONWARNINGS", "ignore");
    set_variable(block, "PYTHONDONTWRITEBYTECODE", "1");
    set_variable(block, "LC_ALL", "C.UTF-8");
    if (const auto url = known.find(std::string_view("url")); url != known.end())
        set_variable(block, "FINWAIT_URL", url->second);
    if (const auto file = known.find(std::string_view("ca_file")); file != known.end())
        for (const auto name : names_of_trust)
            set_variable(block, name, file->second);
    for (const auto& [name, value] : how.variables)
        set_variable(block, name, value);
    set_variable(block, mark_name, mark);
    return block;
}

disposition disposition_of(pid_t pid, int number)
{
    const std::string status = read_whole("/proc/" + std::to_string(pid) + "/status");
    if (status.empty())
        return disposition::unknown;
    const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(number - 1);
    if ((mask_in(status, "SigIgn:") & bit) != 0)
        return disposition::ignored;
    if ((mask_in(status, "SigCgt:") & bit) != 0)
        return disposition::caught;
    return disposition::standard;
}

bool is_pending(pid_t pid, int number)
{
    const std::string status = read_whole("/proc/" + std::to_string(pid) + "/status");
    const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(number - 1);
    return ((mask_in(status, "SigPnd:") | mask_in(status, "ShdPnd:")) & bit) != 0;
}

bool is_stopped(pid_t pid)
{
    return state_of(pid).stopped;
}

result<std::shared_ptr<program>> program::start(
    net::io_context& io,
    const client_order& how,
    const replacements& known,
    const std::string& mark,
    std::string network
)
{
    auto input = make_pipe();
    auto output = input ? make_pipe() : result<pipe_ends>(input.error());
    auto error = output ? make_pipe() : result<pipe_ends>(output.error());
    if (!error)
        return error.error();
    spawn_order order;
    for (const auto& word : how.command)
        order.command.push_back(fill_in(word, known));
    order.program = order.command.front();
    order.environment = environment_of(how, mark, known);
    order.directory = how.directory;
    order.input = input->read.get();
    order.output = output->write.get();
    order.error = error->write.get();
    order.which = leads::session;
    auto born = spawn(order);
    if (!born)
        return born.error();
    std::shared_ptr<program> made(new program(io, std::move(*born), mark, how));
    made->command_ = std::move(order.command);
    made->network_ = std::move(network);
    made->input_ = std::move(input->write);
    (void)::fcntl(made->input_.get(), F_SETFL, O_NONBLOCK);
    error_code failed;
    made->output_.from.assign(output->read.release(), failed);
    if (!failed)
        made->error_.from.assign(error->read.release(), failed);
    if (failed)
        return failed;
    for (auto* const each : {&made->output_, &made->error_})
        each->from.non_blocking(true, failed);
    made->read(made->output_);
    made->read(made->error_);
    made->await_end();
    return made;
}

program::program(net::io_context& io, spawned born, std::string mark, const client_order& how)
    : pid_(born.pid), mark_(std::move(mark)), is_driver_(how.is_driver),
      pidfd_(io), output_{net::posix::stream_descriptor(io)}, error_{net::posix::stream_descriptor(
                                                                  io
                                                              )},
      ready_(io.get_executor()), done_(io.get_executor()), health_(io.get_executor()),
      ended_(io.get_executor()), any_(io.get_executor())
{
    if (!how.hold.empty())
        hold_.emplace(how.hold);
    error_code failed;
    pidfd_.assign(born.pidfd.release(), failed);
}

program::~program()
{
    end();
}

// What it says ------------------------------------------------------------------------------------

void program::read(outlet& which)
{
    which.from.async_read_some(
        net::buffer(which.buffer),
        [self = shared_from_this(), &which](const error_code& failed, std::size_t count) {
            if (failed) { // it has closed it, or has ended
                if (!which.line.empty())
                    self->on_line(std::exchange(which.line, {}));
                return;
            }
            self->take(which, {which.buffer.data(), count});
            self->read(which);
        }
    );
}

void program::take(outlet& which, std::string_view bytes)
{
    keep(bytes);
    while (!bytes.empty()) {
        const auto newline = bytes.find('\n');
        const auto part = bytes.substr(0, newline);
        if (which.line.size() < longest_line_bytes)
            which.line += part.substr(0, longest_line_bytes - which.line.size());
        if (newline == std::string_view::npos)
            return;
        if (which.line.ends_with('\r'))
            which.line.pop_back();
        on_line(which.line);
        which.line.clear();
        bytes.remove_prefix(newline + 1);
    }
}

void program::on_line(std::string_view line)
{
    constexpr std::string_view health = "HEALTH ";
    if (is_driver_ && (line == "READY" || line.starts_with("READY ")))
        ready_.set();
    else if (is_driver_ && line.starts_with(health)) {
        said_health_ = line.substr(health.size());
        health_.set();
    }
    if ((is_driver_ && line == "HOLD") || (hold_ && !done_.is_set() && hold_->is_in(line)))
        done_.set();
    news();
}

/// The first half of the bound is kept for good, the other is what came last.
void program::keep(std::string_view bytes)
{
    constexpr std::size_t half = most_output_bytes / 2;
    const auto room = half - std::min(half, first_kept_.size());
    first_kept_ += bytes.substr(0, room);
    bytes.remove_prefix(std::min(room, bytes.size()));
    last_kept_ += bytes;
    if (last_kept_.size() > 2 * half) {
        dropped_bytes_ += last_kept_.size() - half;
        last_kept_.erase(0, last_kept_.size() - half);
    }
}

std::string program::output() const
{
    if (dropped_bytes_ == 0)
        return first_kept_ + last_kept_;
    return first_kept_ + "\n… " + std::to_string(dropped_bytes_) + " bytes left out …\n" +
           last_kept_;
}

bool program::tell(std::string_view line)
{
    const std::string text = std::string(line) + '\n';
    return ::write(input_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

void program::news()
{
    any_.set();
}

net::awaitable<void> program::anything(std::chrono::steady_clock::duration limit)
{
    any_.clear();
    co_await any_.wait(limit);
}

// How it ends -------------------------------------------------------------------------------------

/// Not reaped here: a zombie keeps its number, and with it that of its group and session.
void program::await_end()
{
    pidfd_.async_wait(
        net::posix::stream_descriptor::wait_read,
        [self = shared_from_this()](const error_code& failed) {
            if (failed || self->pid_ == 0)
                return;
            siginfo_t status{};
            const int answer = ::waitid(
                P_PID, static_cast<id_t>(self->pid_), &status, WEXITED | WNOHANG | WNOWAIT
            );
            // Asio may hand over the readiness of a descriptor that was closed in the same turn.
            if (answer == 0 && status.si_pid == 0)
                return self->await_end();
            self->how_ended_ = in_words(status);
            self->ended_.set();
            self->news();
            if (self->on_end_)
                self->on_end_();
        }
    );
}

std::vector<std::int32_t> program::processes() const
{
    return members_of({.head = pid_, .mark = mark_, .network = network_});
}

std::vector<std::int32_t> program::end()
{
    on_end_ = nullptr;
    if (pid_ == 0)
        return {};
    auto left = end_family({.head = pid_, .mark = mark_, .network = network_}, longest_ending);
    (void)::kill(pid_, SIGKILL);      // its session may have been left by it: then by its number
    (void)reap(pid_, longest_ending); // ignoring: it is among those left
    pid_ = 0;
    error_code ignored; // given back whatever close(2) says
    pidfd_.close(ignored);
    output_.from.close(ignored);
    error_.from.close(ignored);
    input_.reset();
    return left;
}

} // namespace finwait::subject
