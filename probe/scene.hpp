// What one probe needs: a network namespace with its observers, an origin or a nameserver that
// stalls, and the client.
#pragma once

#include "probe/actor.hpp"
#include "probe/follow.hpp"
#include "probe/judge/judge.hpp"
#include "probe/kernel/counters.hpp"
#include "probe/lab/lab.hpp"
#include "probe/origin/nameserver.hpp"
#include "probe/origin/origin.hpp"
#include "probe/run.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace finwait {

class scene_maker;

/// The scene of one probe.
class scene
{
public:
    actor& client() { return *client_; }
    kernel::sock_diag& diag() { return *diag_; }
    std::shared_ptr<destroy_watch> watch() { return watch_; }
    net::any_io_executor executor() { return io_.get_executor(); }

    /// The address the client talks to.
    const endpoint& peer() const { return peer_; }

    /// The name it has for this probe's nameserver; empty: it is not to be resolved.
    const std::string& name() const { return name_; }

    /// What a client has to trust, as PEM; empty without TLS.
    const std::string& certificate() const { return certificate_; }

    /// The calling thread is in the probe's namespace while this lives.
    lab::inside enter() const { return lab::inside(where_, home_); }

    /// Waits until the nameserver was asked for this probe's name. Gives what went wrong.
    net::awaitable<std::optional<judge::obstacle>>
    name_was_asked_for(std::chrono::steady_clock::duration limit);

    /// Waits until the origin stands at its stall with this client. nullopt: it sees nothing of
    /// this connection, or there is no origin of ours.
    net::awaitable<result<std::optional<origin::seen_connection>>>
    origin_stalled(const endpoint& client, std::chrono::steady_clock::duration limit);

    /// The stalled connection as the origin sees it now; nullopt as above.
    std::optional<origin::seen_connection> origin_connection() const;
    bool origin_has_descriptor() const;

    // What another program's client needs of the origin, which is its own.

    /// The next connection of anybody's that stalls.
    net::awaitable<result<std::size_t>> next_stall(std::chrono::steady_clock::duration limit);
    net::awaitable<boost::system::error_code>
    origin_answered(unsigned requests, std::chrono::steady_clock::duration limit);
    const std::vector<origin::seen_connection>& origin_connections() const;
    bool origin_has_descriptor(std::size_t index) const { return origin_->has_descriptor(index); }
    std::optional<origin::traffic> traffic_at_origin(std::size_t index) const
    {
        return origin_->traffic_on(index);
    }
    std::size_t close_at_origin() { return origin_->close_now(); }
    std::size_t reset_at_origin() { return origin_->reset_now(); }
    void on_arrival(std::function<void()> arrived) { origin_->on_arrival(std::move(arrived)); }
    void expect_nobody() { origin_->give_up_waiting(); }

    /// `net:[4026532245]`, as /proc/PID/ns/net says it; empty: the probe has none of its own.
    std::string namespace_name() const;
    void make_origin_healthy() { origin_->become_healthy(); }

    /// Whether this is one of the connections with which the origin fills its own accept queue.
    bool is_origins_own(const endpoint& local) const { return origin_->is_own(local); }

    /// Fills in what a kill from outside needs.
    void expose(kill::victim& out);

    /// Whether many probes share one network namespace for throughput's sake.
    bool is_shared() const { return how_ == isolation::shared; }

    /// Whether the first look waits until the client's FIN is acknowledged, which takes 45 ms where
    /// the origin has received data. Not in a throughput run: the second look sees it all the same.
    bool awaits_acknowledgement() const { return how_ == isolation::each; }

    net::awaitable<void> let_origin_go(after_action how);

    /// Whether the namespace is this probe's own, so that its counters are.
    bool counted() const { return counters_.has_value(); }

    /// Whether the client's port is tried: not in a throughput run, where its source address is one
    /// of many and bind(2) would cost as much as the look.
    bool tries_port() const { return how_ == isolation::each; }
    void start_counting();
    std::optional<finwait::counter_deltas> counter_deltas();

    /// bind(2) in the probe's namespace: 0 or the errno.
    int try_bind(const endpoint& where) const;

    /// Ends the client and the origin. Call it before the end of the scene's life.
    net::awaitable<void> strike();

private:
    friend class scene_maker;
    scene(net::io_context& io, const lab::place& home, isolation how)
        : io_(io), home_(home), how_(how)
    {
    }

    net::io_context& io_;
    const lab::place& home_;
    isolation how_;
    plan plan_;
    std::string name_; ///< to be resolved; empty: none
    lab::net_namespace where_;
    std::optional<kernel::sock_diag> own_diag_;
    kernel::sock_diag* diag_ = nullptr;
    std::shared_ptr<destroy_watch> watch_;
    bool owns_watch_ = false;
    std::optional<kernel::tcp_counters> counters_;
    finwait::counter_deltas counted_before_;
    std::unique_ptr<origin::server> own_origin_;
    origin::server* origin_ = nullptr; ///< its own, or one that many share
    std::size_t stalled_ = origin::server::no_index;
    std::unique_ptr<origin::nameserver> own_nameserver_;
    std::unique_ptr<net::ssl::context> own_tls_; ///< with certificates of a file
    origin::nameserver* nameserver_ = nullptr;
    endpoint peer_;
    std::string certificate_;
    std::unique_ptr<actor> client_;
};

/// A scene, and what stood in the way of completing it. Also an incomplete one has coroutines that
/// refer to it: strike() it before the end of its life.
struct made_scene
{
    std::unique_ptr<scene> made; ///< never null
    std::optional<judge::obstacle> why;
};

/// Makes the scenes of one lab; keeps what they share.
class scene_maker
{
public:
    scene_maker(
        net::io_context& io,
        const lab::place& home,
        isolation how,
        std::vector<std::string> client_command,
        std::optional<address_policy> targets
    );
    ~scene_maker();
    scene_maker(const scene_maker&) = delete;
    scene_maker& operator=(const scene_maker&) = delete;

    /// Everything up and the client on its way. `deadline` is the library's timeout, where the kill
    /// is one. Errors become obstacles with their cause and cure.
    made_scene make(const plan& what, const std::string& id, std::chrono::milliseconds deadline);

    /// The same without a client, for one that is started apart.
    made_scene make_stage(const plan& what, const std::string& id);

    const judge::kernel_settings& settings() const { return settings_; }

    /// Whether the namespace that probes share has had no room for a TIME_WAIT since this was made.
    /// nullopt: its counters cannot be read.
    std::optional<bool> time_wait_overflowed();

private:
    std::optional<judge::obstacle> furnish(scene& to, const std::string& id);
    template <class Fill>
    made_scene made_with(const plan& what, isolation how, Fill fill);
    std::optional<judge::obstacle> add_namespace(scene& to);
    std::optional<judge::obstacle> add_observers(scene& to);
    std::optional<judge::obstacle> add_origin(scene& to);
    std::optional<judge::obstacle> add_nameserver(scene& to);
    std::optional<judge::obstacle>
    add_client(scene& to, client::destination where, std::chrono::milliseconds deadline);
    result<origin::server*> shared_origin(const origin::script& how);
    result<client::destination> destination_of(const scene& of) const;
    result<net::ssl::context*> client_tls_of(scene& to);
    client::setup
    setup_of(const scene& of, net::ssl::context* tls, std::chrono::milliseconds deadline);

    net::io_context& io_;
    const lab::place& home_;
    isolation how_;
    std::vector<std::string> client_command_;
    std::optional<address_policy> targets_; ///< what those that are not ours may lead to
    std::optional<kernel::tcp_counters> home_counters_; ///< of the namespace that probes share
    finwait::counter_deltas home_counted_;              ///< at the beginning
    judge::kernel_settings settings_;
    std::shared_ptr<net::ssl::context> server_tls_;
    /// By what is asked of the server; contexts are many streams' and stay where they are.
    std::vector<std::pair<std::optional<tls_settings>, std::unique_ptr<net::ssl::context>>>
        client_tls_;
    std::optional<kernel::sock_diag> shared_diag_;
    std::shared_ptr<destroy_watch> shared_watch_;
    std::unique_ptr<origin::nameserver> home_nameserver_;
    std::vector<std::pair<origin::script, std::unique_ptr<origin::server>>> shared_origins_;
    unsigned next_source_ = 0;
};

} // namespace finwait
