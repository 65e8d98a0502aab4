#include "probe/scene.hpp"

#include "probe/client/alone.hpp"
#include "probe/client/asio_endpoint.hpp"
#include "probe/client/request.hpp"
#include "probe/client/trust.hpp"
#include "probe/kernel/socket_facts.hpp"
#include "probe/kernel/sysctl.hpp"
#include "probe/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>

namespace finwait {
namespace {

using namespace std::chrono_literals;
using boost::system::error_code;
using judge::obstacle;

/// How long an origin that is let go may take to read and answer.
constexpr auto answer_limit = 10s;

/// Room for the destroy events of one probe, and of all of them.
constexpr int own_events_bytes = 64 * 1024;
constexpr int shared_events_bytes = 16 * 1024 * 1024;

obstacle cannot(const std::string& what, const error_code& why)
{
    if (why == boost::system::errc::too_many_files_open ||
        why == boost::system::errc::too_many_files_open_in_system)
        return {
            "no_descriptors",
            what + ": " + why.message() +
                ". Raise the limit of open files (ulimit -n, LimitNOFILE=) or lower --in-flight."};
    return {"not_permitted", what + ": " + why.message() + "."};
}

bool is_lone(const plan& what)
{
    return is_external(what) || family_of(what.by) == kill_family::process;
}

/// How many addresses a throughput run spreads its clients over: 28,232 ports each.
constexpr unsigned sources = 64;

/// Binds to 127.0.0.`last`; the port is chosen by connect(2), so that it need only be free for that
/// one peer (IP_BIND_ADDRESS_NO_PORT, ip(7)).
error_code bind_address(client::tcp::socket& socket, unsigned last)
{
    const int on = 1;
    ::setsockopt(socket.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    error_code failed;
    socket.bind({net::ip::address_v4(INADDR_LOOPBACK - 1 + last), 0}, failed);
    return failed;
}

std::string lower(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return text;
}

origin::script script_of(const plan& what)
{
    origin::script out;
    out.at = what.at;
    out.family = what.family;
    out.tls = what.tls;
    out.blocked = what.blocked;
    out.position = what.position;
    out.request = what.request;
    out.response = what.response;
    // A program that sees the peer's FIN may close at once. So that its end is known before that,
    // the origin stands idle and is told to close when it is.
    if (is_external(what) && what.at == kill_point::idle_peer_closed)
        out.at = kill_point::idle;
    out.serves_on = is_external(what) && out.at == kill_point::idle;
    if (what.at == kill_point::request_headers)
        out.request_bytes_until_stall = client::half_head_bytes(what);
    return out;
}

} // namespace

// ---- the scene -------------------------------------------------------------------------------

net::awaitable<std::optional<obstacle>>
scene::name_was_asked_for(std::chrono::steady_clock::duration limit)
{
    const auto asked = co_await nameserver_->queried(name_, limit);
    std::optional<obstacle> out;
    if (!asked)
        out = obstacle{
            "stall_not_reached",
            "The nameserver of the lab was not asked for " + name_ + " (" +
                asked.error().message() +
                "). The machine resolves names in another way than /etc/resolv.conf says (see "
                "/etc/nsswitch.conf)."};
    co_return out;
}

net::awaitable<result<std::optional<origin::seen_connection>>>
scene::origin_stalled(const endpoint& client, std::chrono::steady_clock::duration limit)
{
    if (origin_ == nullptr)
        co_return std::optional<origin::seen_connection>();
    result<std::size_t> index = origin::server::no_index;
    // At `connect` the origin sees nothing of it. Elsewhere it may see others as well, on the
    // host's loopback anybody's.
    if (plan_.at <= kill_point::connect)
        index = co_await origin_->stall(limit);
    else
        index = co_await origin_->stall_of(client, limit);
    if (!index)
        co_return index.error();
    stalled_ = *index;
    co_return origin_connection();
}

net::awaitable<result<std::size_t>> scene::next_stall(std::chrono::steady_clock::duration limit)
{
    co_return co_await origin_->stall(limit);
}

net::awaitable<error_code>
scene::origin_answered(unsigned requests, std::chrono::steady_clock::duration limit)
{
    co_return co_await origin_->answered(requests, limit);
}

std::string scene::namespace_name() const
{
    struct stat about
    {
    };
    if (!where_ || ::fstat(where_.fd(), &about) != 0)
        return {};
    return fmt::format("net:[{}]", about.st_ino);
}

const std::vector<origin::seen_connection>& scene::origin_connections() const
{
    return origin_->connections();
}

std::optional<origin::seen_connection> scene::origin_connection() const
{
    if (origin_ == nullptr || stalled_ == origin::server::no_index)
        return std::nullopt;
    return origin_->connections()[stalled_];
}

bool scene::origin_has_descriptor() const
{
    return origin_ != nullptr && stalled_ != origin::server::no_index &&
           origin_->has_descriptor(stalled_);
}

void scene::expose(kill::victim& out)
{
    out.diag = diag_;
    if (origin_) {
        out.origin_closes = [this] {
            return origin_->close_now();
        };
        out.origin_resets = [this] {
            return origin_->reset_now();
        };
    }
    if (nameserver_ != nullptr && out.ended) {
        // No TCP socket is there to be followed: the first look is over as soon as it begins. The
        // answer frees Asio's resolver thread, without which the lookup cannot end.
        out.ended = [this,
                     ended = std::move(out.ended)](std::chrono::steady_clock::duration limit) {
            nameserver_->refuse(name_);
            return ended(limit);
        };
    }
}

net::awaitable<void> scene::let_origin_go(after_action how)
{
    if (nameserver_ != nullptr)
        nameserver_->refuse(name_);
    if (own_origin_)
        co_await origin_->let_go(how, answer_limit);
    else if (stalled_ != origin::server::no_index)
        co_await origin_->let_go_one(stalled_, how, answer_limit);
}

void scene::start_counting()
{
    if (!counters_)
        return;
    if (auto now = counters_->read())
        counted_before_ = std::move(*now);
}

std::optional<counter_deltas> scene::counter_deltas()
{
    if (!counters_)
        return std::nullopt;
    const auto now = counters_->read();
    if (!now)
        return std::nullopt;
    return kernel::difference(counted_before_, *now);
}

int scene::try_bind(const endpoint& where) const
{
    const lab::inside here(where_, home_);
    return kernel::try_bind(where);
}

net::awaitable<void> scene::strike()
{
    if (nameserver_ != nullptr)
        nameserver_->refuse(name_);
    if (client_)
        co_await client_->end();
    if (own_origin_)
        co_await own_origin_->stop();
    else if (stalled_ != origin::server::no_index)
        origin_->forget(stalled_);
    if (owns_watch_ && watch_)
        watch_->stop();
}

// ---- making it -------------------------------------------------------------------------------

scene_maker::scene_maker(
    net::io_context& io,
    const lab::place& home,
    isolation how,
    std::vector<std::string> client_command,
    std::optional<address_policy> targets
)
    : io_(io), home_(home), how_(how), client_command_(std::move(client_command)),
      targets_(targets), settings_(judge::settings_from(home.environment().sysctls))
{
    auto counters = kernel::tcp_counters::open();
    if (!counters)
        return; // what needs them is left unexplained
    home_counters_.emplace(std::move(*counters));
    if (auto now = home_counters_->read())
        home_counted_ = std::move(*now);
}

scene_maker::~scene_maker()
{
    if (shared_watch_)
        shared_watch_->stop();
}

template <class Fill>
made_scene scene_maker::made_with(const plan& what, isolation how, Fill fill)
{
    made_scene out{std::unique_ptr<scene>(new scene(io_, home_, how)), {}};
    out.made->plan_ = what;
    try {
        out.why = fill(*out.made);
    } catch (const std::system_error& failed) {
        const error_code why(failed.code().value(), boost::system::system_category());
        out.why = cannot("Setting the scene", why);
    } catch (const boost::system::system_error& failed) {
        out.why = cannot("Setting the scene", failed.code());
    }
    return out;
}

made_scene
scene_maker::make(const plan& what, const std::string& id, std::chrono::milliseconds deadline)
{
    return made_with(what, how_, [&](scene& to) -> std::optional<obstacle> {
        auto where = destination_of(to);
        if (!where)
            return obstacle{"target_unusable", where.error().message()};
        if (auto failed = furnish(to, id); failed)
            return failed;
        if (!to.name_.empty())
            where->name = to.name_;
        return add_client(to, std::move(*where), deadline);
    });
}

made_scene scene_maker::make_stage(const plan& what, const std::string& id)
{
    // Never shared: whatever is connected there to the origin is the client's.
    return made_with(what, isolation::each, [&](scene& to) { return furnish(to, id); });
}

/// Everything but the client.
std::optional<obstacle> scene_maker::furnish(scene& to, const std::string& id)
{
    const plan& what = to.plan_;
    for (const auto& lacking : home_.environment().not_run)
        if (lacking.what == word(what.by) || lacking.what == word(what.at))
            return obstacle{"not_permitted", lacking.reason + " " + lacking.cure};
    if (what.at == kill_point::resolve)
        to.name_ = lower(id) + ".finwait.test";
    auto failed = add_namespace(to);
    if (!failed)
        failed = add_observers(to);
    if (!failed && what.at == kill_point::resolve)
        failed = add_nameserver(to);
    const bool external = is_external(what);
    if (!failed && (what.at != kill_point::resolve || external) && what.target == "origin")
        failed = add_origin(to);
    return failed;
}

std::optional<bool> scene_maker::time_wait_overflowed()
{
    if (!home_counters_)
        return std::nullopt;
    const auto now = home_counters_->read();
    if (!now)
        return std::nullopt;
    const auto grown = kernel::difference(home_counted_, *now);
    const auto overflows = grown.find(std::string_view("TCPTimeWaitOverflow"));
    return overflows != grown.end() && overflows->second > 0;
}

std::optional<obstacle> scene_maker::add_namespace(scene& to)
{
    if (to.how_ == isolation::shared)
        return std::nullopt;
    auto made = home_.make_namespace();
    if (!made)
        return cannot("Making a network namespace", made.error());
    to.where_ = std::move(*made);
    if (!to.where_)
        return std::nullopt; // the host's own: not this probe's alone
    const lab::inside here(to.where_, home_);
    auto counters = kernel::tcp_counters::open();
    if (!counters)
        return cannot("Opening the TCP counters", counters.error());
    to.counters_.emplace(std::move(*counters));
    return std::nullopt;
}

std::optional<obstacle> scene_maker::add_observers(scene& to)
{
    const bool own = static_cast<bool>(to.where_);
    if (!own && shared_diag_) {
        to.diag_ = &*shared_diag_;
        to.watch_ = shared_watch_;
        return std::nullopt;
    }
    const lab::inside here(to.where_, home_);
    auto diag = kernel::sock_diag::open();
    if (!diag)
        return cannot("Opening sock_diag", diag.error());
    auto& kept = own ? to.own_diag_ : shared_diag_;
    kept.emplace(std::move(*diag));
    to.diag_ = &*kept;
    // Without the multicast the lookups' own schedule has to do. For a throughput run it is too
    // dear: the kernel makes an event of every socket there, by way of another thread.
    if (to.how_ == isolation::shared)
        return std::nullopt;
    auto watch = destroy_watch::start(io_, own ? own_events_bytes : shared_events_bytes);
    if (watch)
        to.watch_ = *watch;
    to.owns_watch_ = own;
    if (!own)
        shared_watch_ = to.watch_;
    return std::nullopt;
}

std::optional<obstacle> scene_maker::add_origin(scene& to)
{
    if (to.plan_.tls && !server_tls_) {
        auto made = origin::make_tls_context();
        if (!made)
            return cannot("Making the origin's certificate", made.error());
        server_tls_ = std::move(*made);
    }
    if (to.plan_.tls)
        to.certificate_ = origin::certificate_of(*server_tls_);
    const auto script = script_of(to.plan_);
    // At `connect` the origin is its full accept queue, which is nobody else's.
    if (to.how_ == isolation::shared && script.at != kill_point::connect) {
        const auto shared = shared_origin(script);
        if (!shared)
            return cannot("Starting the origin", shared.error());
        to.origin_ = *shared;
    } else {
        const lab::inside here(to.where_, home_);
        auto started = origin::server::start(io_, script, server_tls_);
        if (!started)
            return cannot("Starting the origin", started.error());
        to.own_origin_ = std::move(*started);
        to.origin_ = to.own_origin_.get();
    }
    to.peer_ = to.origin_->address();
    return std::nullopt;
}

result<origin::server*> scene_maker::shared_origin(const origin::script& how)
{
    for (const auto& [known, server] : shared_origins_)
        if (known == how)
            return server.get();
    auto started = origin::server::start(io_, how, server_tls_);
    if (!started)
        return started.error();
    return shared_origins_.emplace_back(how, std::move(*started)).second.get();
}

std::optional<obstacle> scene_maker::add_nameserver(scene& to)
{
    const auto configured = lab::configured_nameservers();
    if (configured.empty())
        return obstacle{"not_permitted", "/etc/resolv.conf names no nameserver to stand in for."};
    // A client inside this process resolves on Asio's one thread, which lives in the lab's own
    // namespace; a process of its own resolves in its own.
    const bool lone = is_lone(to.plan_);
    if (!lone && home_nameserver_) {
        to.nameserver_ = home_nameserver_.get();
        return std::nullopt;
    }
    const lab::net_namespace at_home;
    const lab::inside here(lone ? to.where_ : at_home, home_);
    if (const auto added = lab::place::add_loopback_address(configured.front()); !added)
        return cannot("Adding the nameserver's address to the loopback", added.error());
    auto started = origin::nameserver::start(io_, configured.front());
    if (!started)
        return cannot("Starting the nameserver", started.error());
    auto& kept = lone ? to.own_nameserver_ : home_nameserver_;
    kept = std::move(*started);
    to.nameserver_ = kept.get();
    return std::nullopt;
}

result<client::destination> scene_maker::destination_of(const scene& of) const
{
    if (of.plan_.target == "origin")
        return client::destination{};
    auto where = destination_of_url(of.plan_.target, of.plan_.family);
    if (where)
        where->may_lead_to = targets_;
    return where;
}

/// Null without TLS. An error is that of the file of certificates, which is read for each probe: it
/// may be another one by now.
result<net::ssl::context*> scene_maker::client_tls_of(scene& to)
{
    const auto& wanted = to.plan_.target_tls;
    if (!to.plan_.tls)
        return nullptr;
    const bool has_file = wanted && !wanted->ca.empty();
    for (const auto& [settings, context] : client_tls_)
        if (settings == wanted)
            return context.get();
    auto made = client::make_tls_context(wanted);
    if (!made)
        return made.error();
    auto kept = std::make_unique<net::ssl::context>(std::move(*made));
    if (!has_file)
        return client_tls_.emplace_back(wanted, std::move(kept)).second.get();
    to.own_tls_ = std::move(kept);
    return to.own_tls_.get();
}

client::setup
scene_maker::setup_of(const scene& of, net::ssl::context* tls, std::chrono::milliseconds deadline)
{
    client::setup out;
    out.tls = tls;
    out.limit = deadline;
    if (of.plan_.by == kill_method::deadline)
        out.timeout = client::expiry::library;
    // An abandoned descriptor is looked after by nobody, whatever its connection does.
    if (family_of(of.plan_.by) == kill_family::outside || of.plan_.by == kill_method::abandon)
        out.reacts = client::reaction::when_told;
    // A throughput run would use up the ports of one address: it spreads over 127/8.
    const bool spreads = how_ == isolation::shared && of.plan_.family == address_family::ipv4 &&
                         of.plan_.target == "origin";
    const unsigned source = spreads ? 1 + next_source_++ % sources : 0;
    out.open = [&of, source](client::tcp::socket& socket, const client::tcp::endpoint& peer) {
        const lab::inside here(of.where_, of.home_);
        error_code failed;
        socket.open(peer.protocol(), failed);
        // Asio sets no CLOEXEC, and an inherited descriptor would fake a leak.
        if (!failed)
            ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
        if (!failed && source != 0)
            failed = bind_address(socket, source);
        return failed;
    };
    return out;
}

std::optional<obstacle>
scene_maker::add_client(scene& to, client::destination where, std::chrono::milliseconds deadline)
{
    if (to.origin_) {
        where.address = client::asio_endpoint(to.peer_);
        where.host = "localhost:" + std::to_string(to.peer_.port);
    }
    // Also for a client in a process of its own, which reads the file once more: what is wrong with
    // it is told here.
    const auto tls = client_tls_of(to);
    if (!tls)
        return obstacle{
            "target_unusable",
            fmt::format(
                "The certificates of {} cannot be used: {}.",
                to.plan_.target_tls->ca,
                tls.error().message()
            )};
    if (is_lone(to.plan_)) {
        const lab::inside here(to.where_, home_);
        auto made = make_lone_client(io_, to.plan_, where, client_command_);
        if (!made)
            return cannot("Starting the client's process", made.error());
        to.client_ = std::move(*made);
        return std::nullopt;
    }
    to.client_ = make_inner_client(
        io_, to.plan_, std::move(where), setup_of(to, *tls, deadline), client_command_
    );
    return std::nullopt;
}

} // namespace finwait
