#include "daemon/audits/program_look.hpp"

#include "daemon/children.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <exception>
#include <thread>
#include <utility>

namespace finwait::daemon {

namespace {

namespace net = boost::asio;

class live_look final : public program_look
{
public:
    live_look(
        net::io_context& io,
        std::vector<recipe> wanted,
        std::function<void(std::vector<presence>)> seen
    )
        : thread_([this,
                   work = net::make_work_guard(io),
                   wanted = std::move(wanted),
                   here = std::weak_ptr<int>(here_),
                   seen = std::move(seen)]() mutable {
              auto found = ask(wanted);
              is_done_ = true;
              net::post(
                  work.get_executor(),
                  [here = std::move(here), seen = std::move(seen), found = std::move(found)] {
                      if (!here.expired())
                          seen(found);
                  }
              );
          })
    {
    }

    ~live_look() override
    {
        here_.reset();
        // A program that starts just now may escape the first round.
        while (!is_done_) {
            end_children({});
            std::this_thread::yield();
        }
        thread_.join();
    }
    live_look(const live_look&) = delete;
    live_look& operator=(const live_look&) = delete;

private:
    static std::vector<presence> ask(const std::vector<recipe>& wanted)
    {
        try {
            return look_for(wanted);
        } catch (const std::exception& failed) {
            const presence none{.is_there = false, .version = {}, .reason = failed.what()};
            return std::vector<presence>(wanted.size(), none);
        }
    }

    std::shared_ptr<int> here_ = std::make_shared<int>();
    std::atomic<bool> is_done_ = false;
    std::thread thread_; // last: it uses the others
};

} // namespace

std::unique_ptr<program_look> program_look::start(
    net::io_context& io, std::vector<recipe> wanted, std::function<void(std::vector<presence>)> seen
)
{
    return std::make_unique<live_look>(io, std::move(wanted), std::move(seen));
}

} // namespace finwait::daemon
