// The client in a process of its own.
#include "probe/actor.hpp"
#include "probe/client/address_check.hpp"
#include "probe/client/alone.hpp"
#include "probe/kernel/holders.hpp"
#include "probe/subject/child.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <string_view>

#include <signal.h>
#include <sys/wait.h>

namespace finwait {
namespace {

using boost::system::error_code;

constexpr std::string_view ended = "ended ";

/// The address behind a class.
std::optional<net::ip::address> refused_in(std::string_view why)
{
    error_code failed;
    const auto address =
        net::ip::make_address(why.substr(std::min(why.find(' ') + 1, why.size())), failed);
    return failed ? std::nullopt : std::optional(address);
}

class lone_client final : public actor
{
public:
    explicit lone_client(std::unique_ptr<subject::child> born)
        : child_(std::move(born)), pid_(child_->pid())
    {
    }

    net::awaitable<result<stood_at>> stand(std::chrono::steady_clock::duration limit) override
    {
        const auto by = std::chrono::steady_clock::now() + limit;
        for (;;) {
            auto line = co_await child_->read_line(by - std::chrono::steady_clock::now());
            if (!line)
                co_return line.error();
            if (line->starts_with(ended)) {
                const auto why = std::string_view(*line).substr(ended.size());
                const auto failed = client::parse_ending(why);
                if (client::class_not_permitted(failed))
                    refused_ = refused_in(why);
                co_return failed;
            }
            if (const auto stood = client::parse_standing(*line)) {
                inode_ = stood->inode;
                stood_at out;
                out.id.cookie = stood->cookie;
                out.id.local = stood->local;
                out.id.peer = stood->peer;
                out.inode = stood->inode;
                co_return out;
            }
        }
    }

    std::optional<net::ip::address> refused_address() const override { return refused_; }

    void expose(kill::victim& out) override
    {
        out.pid = child_->pid();
        out.pidfd = child_->pidfd();
        out.tell = [this](const std::string& line) {
            return child_->tell(line);
        };
    }

    bool has_descriptor() const override
    {
        if (inode_ == 0)
            return false;
        const auto open = kernel::socket_descriptors(pid_);
        return open && std::any_of(open->begin(), open->end(), [this](const auto& one) {
                   return one.inode == inode_;
               });
    }

    std::vector<std::int32_t> processes() const override { return {pid_}; }

    net::awaitable<bool> let_go(kill_method) override
    {
        co_return true; // killed by its own process's end: there is nobody to be let go
    }

    std::optional<process_record> record() const override
    {
        process_record out;
        out.pid = pid_;
        out.command = child_->command();
        out.output = child_->output();
        siginfo_t status{};
        // WNOWAIT: it is reaped at the end. ECHILD: the kill has reaped it.
        const bool reaped =
            ::waitid(P_PID, static_cast<id_t>(pid_), &status, WEXITED | WNOHANG | WNOWAIT) != 0;
        out.lives = !reaped && status.si_pid == 0;
        return out;
    }

    net::awaitable<void> end() override
    {
        child_->end();
        co_return;
    }

private:
    std::unique_ptr<subject::child> child_;
    std::int32_t pid_;
    std::uint32_t inode_ = 0;
    std::optional<net::ip::address> refused_;
};

} // namespace

result<std::unique_ptr<actor>> make_lone_client(
    net::io_context& io,
    const plan& what,
    const client::destination& where,
    std::vector<std::string> program
)
{
    for (auto& argument : client::walk_arguments(what, where))
        program.push_back(std::move(argument));
    auto born = subject::child::start(io, std::move(program), std::nullopt);
    if (!born)
        return born.error();
    if (!(*born)->tell(client::walk_line(where)))
        return error_code(net::error::broken_pipe);
    return std::unique_ptr<actor>(std::make_unique<lone_client>(std::move(*born)));
}

} // namespace finwait
