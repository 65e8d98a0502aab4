// Who runs a probe: the built-in client or another program, in one lab.
#include "probe/run.hpp"

#include "probe/baseline.hpp"
#include "probe/built_in_run.hpp"
#include "probe/external_run.hpp"
#include "probe/judge/judge.hpp"
#include "probe/model/possible.hpp"
#include "probe/scene.hpp"

#include <utility>

namespace finwait {
namespace {

class prober_of_one_lab final : public prober
{
public:
    prober_of_one_lab(
        net::io_context& io,
        const lab::place& where,
        isolation how,
        std::vector<std::string> client_command,
        std::optional<address_policy> targets
    )
        : io_(io), maker_(io, where, how, std::move(client_command), targets),
          baselines_(io, maker_)
    {
    }

    net::awaitable<report>
    run(plan what, std::string id, std::optional<subject::client_order> client) override
    {
        const plan full = completed(std::move(what));
        if (is_external(full)) {
            if (const auto refused = why_impossible(full))
                co_return refuse(full, std::move(id), *refused);
            if (!client)
                co_return refuse(
                    full, std::move(id), {"client", "how to run " + full.subject + " is not said"}
                );
            run_purpose purpose;
            purpose.baselines = &baselines_;
            co_return co_await run_external(
                io_, maker_, full, std::move(id), std::move(*client), purpose
            );
        }
        if (full != known_plan_) {
            if (const auto refused = why_impossible(full))
                co_return refuse(full, std::move(id), *refused);
            known_expectation_ = judge::expected_of(full);
            known_plan_ = full;
        }
        co_return co_await run_built_in(maker_, full, known_expectation_, std::move(id));
    }

private:
    report refuse(const plan& what, std::string id, const refusal& why) const
    {
        report out;
        out.id = std::move(id);
        out.started = std::chrono::system_clock::now();
        out.plan = what;
        out.control = is_control(what.by);
        const judge::obstacle impossible{"impossible_plan", why.reason};
        judge::settle(out, judge::judge(out, maker_.settings(), impossible));
        return out;
    }

    net::io_context& io_;
    scene_maker maker_;
    baseline_book baselines_;
    /// The last possible plan: many probes in a row have the same.
    std::optional<plan> known_plan_;
    expectation known_expectation_;
};

} // namespace

std::unique_ptr<prober> prober::make(
    net::io_context& io,
    const lab::place& where,
    isolation how,
    std::vector<std::string> client_command,
    std::optional<address_policy> targets
)
{
    return std::make_unique<prober_of_one_lab>(io, where, how, std::move(client_command), targets);
}

} // namespace finwait
