#include "probe/client/alone.hpp"

#include "probe/client/address_check.hpp"
#include "probe/client/asio_endpoint.hpp"
#include "probe/client/trust.hpp"
#include "probe/kernel/socket_facts.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/error.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace finwait::client {
namespace {

/// A plan and a destination as words, in a fixed order: both sides are this one file.
struct words_in
{
    std::istringstream text;

    template <class Enum>
    bool take(Enum& out)
    {
        std::string token;
        if (!(text >> token))
            return false;
        const auto found = from_word<Enum>(token);
        if (found)
            out = *found;
        return found.has_value();
    }
};

std::string plan_words(const plan& what)
{
    return fmt::format(
        "{} {} {} {} {} {} {} {} {} {} {} {}",
        word(what.at),
        word(what.family),
        what.tls ? 1 : 0,
        what.unread ? 1 : 0,
        what.blocked ? 1 : 0,
        what.position,
        what.method,
        word(what.request.how),
        what.request.bytes,
        word(what.response.how),
        what.response.bytes,
        word(what.by)
    );
}

bool read_plan(const std::string& text, plan& out)
{
    words_in in{std::istringstream(text)};
    return in.take(out.at) && in.take(out.family) &&
           (in.text >> out.tls >> out.unread >> out.blocked) &&
           (in.text >> out.position >> out.method) && in.take(out.request.how) &&
           (in.text >> out.request.bytes) && in.take(out.response.how) &&
           (in.text >> out.response.bytes) && in.take(out.by);
}

/// Any other address: what it may lead to, in a word.
constexpr std::string_view anywhere = "any";

// What goes before the number of an error that is no errno.
constexpr std::string_view certificate_error = "certificate";
constexpr std::string_view tls_error = "tls";

/// An errno, or 0 for what has none; the class of the address that was not permitted, and that; or
/// what was wrong with TLS.
std::string ending_words(const error_code& failed, const tcp::endpoint& peer)
{
    if (const auto what = class_not_permitted(failed))
        return fmt::format("{} {}", word(*what), peer.address().to_string());
    if (const auto why = why_not_verified(failed))
        return fmt::format("{} {}", certificate_error, *why);
    if (failed.category() == net::error::get_ssl_category())
        return fmt::format("{} {}", tls_error, failed.value());
    // Whatever the error's category: those of the system and of POSIX mean the same.
    const auto why = failed.default_error_condition();
    const bool is_errno = why.category() == boost::system::generic_category();
    return std::to_string(is_errno ? why.value() : 0);
}

/// A line of standard input, byte by byte: what follows it is for others. Empty at its end.
std::string first_line_of_input()
{
    std::string line;
    char one = 0;
    while (::read(STDIN_FILENO, &one, 1) == 1 && one != '\n')
        line += one;
    return line;
}

/// The walking process.
class lone_client
{
public:
    lone_client(plan what, destination where, net::ssl::context tls)
        : tls_(std::move(tls)), input_(io_, ::dup(STDIN_FILENO)),
          exchange_(io_.get_executor(), std::move(what), std::move(where), make_setup())
    {
    }

    int run()
    {
        net::co_spawn(io_, exchange_.go(), [this](std::exception_ptr) {
            say("ended " + ending_words(exchange_.ended_with(), exchange_.peer()));
        });
        net::co_spawn(io_, announce(), [](std::exception_ptr) {});
        listen();
        io_.run();
        return EXIT_SUCCESS;
    }

private:
    setup make_setup()
    {
        setup with;
        with.tls = &tls_;
        with.open = [](tcp::socket& socket, const tcp::endpoint& peer) {
            error_code failed;
            socket.open(peer.protocol(), failed);
            return failed;
        };
        return with;
    }

    net::awaitable<void> announce()
    {
        co_await exchange_.standing().wait();
        tcp::socket* const socket = exchange_.socket();
        if (socket == nullptr) {
            say("standing");
            co_return;
        }
        const auto id = kernel::identify(socket->native_handle());
        const auto inode = kernel::inode_of(socket->native_handle());
        if (id && inode)
            say(fmt::format(
                "standing {} {} {} {}",
                id->cookie,
                *inode,
                to_string(id->local),
                to_string(id->peer)
            ));
    }

    void listen()
    {
        net::async_read_until(
            input_,
            net::dynamic_buffer(line_),
            '\n',
            [this](error_code failed, std::size_t count) {
                if (failed)
                    ::_exit(EXIT_FAILURE); // the parent is gone
                if (line_.substr(0, count) == "exit\n")
                    ::_exit(EXIT_SUCCESS);
                line_.erase(0, count);
                listen();
            }
        );
    }

    static void say(const std::string& line) { std::cout << line << std::endl; }

    net::io_context io_{1};
    net::ssl::context tls_;
    net::posix::stream_descriptor input_;
    std::string line_;
    exchange exchange_;
};

} // namespace

std::vector<std::string> walk_arguments(const plan& what, const destination& where)
{
    const endpoint peer = [&] {
        endpoint out;
        const auto address = where.address.address();
        out.port = where.address.port();
        if (address.is_v6()) {
            out.family = address_family::ipv6;
            out.address = address.to_v6().to_bytes();
        } else {
            const auto bytes = address.to_v4().to_bytes();
            std::copy(bytes.begin(), bytes.end(), out.address.begin());
        }
        return out;
    }();
    return {
        "walk",
        std::to_string(::getpid()),
        plan_words(what),
        to_string(peer),
        where.name,
        where.host,
        where.stalls ? "stalls" : "answers",
        where.may_lead_to ? to_string(*where.may_lead_to) : std::string(anywhere),
        std::string(word(what.target_tls.value_or(tls_settings{}).min)),
        what.target_tls.value_or(tls_settings{}).ca};
}

std::string walk_line(const destination& where)
{
    return where.path;
}

std::vector<std::string> hold_arguments()
{
    return {"hold", std::to_string(::getpid())};
}

error_code parse_ending(std::string_view why)
{
    const auto blank = std::min(why.find(' '), why.size());
    const auto kind = why.substr(0, blank);
    if (const auto refused = from_word<address_class>(kind))
        return not_permitted(*refused);
    const bool is_certificates = kind == certificate_error;
    const bool is_tls = kind == tls_error;
    if (is_certificates || is_tls)
        why.remove_prefix(std::min(blank + 1, why.size()));
    int value = 0;
    std::from_chars(why.data(), why.data() + why.size(), value);
    if (value == 0)
        return net::error::connection_aborted;
    if (is_certificates)
        return not_verified(value);
    if (is_tls)
        return {value, net::error::get_ssl_category()};
    return {value, boost::system::generic_category()};
}

std::optional<standing_line> parse_standing(const std::string& line)
{
    std::istringstream in(line);
    std::string verb;
    if (!(in >> verb) || verb != "standing")
        return std::nullopt;
    standing_line out;
    std::string local;
    std::string peer;
    const bool has_socket = static_cast<bool>(in >> out.cookie >> out.inode >> local >> peer);
    if (has_socket && !(parse_endpoint(local, out.local) && parse_endpoint(peer, out.peer)))
        return std::nullopt;
    return out;
}

int main_alone(const std::vector<std::string>& arguments)
{
    // Whatever happens to the worker, this process does not outlive it. The parent may have gone
    // before the signal was asked for.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (arguments.size() < 2 || arguments[1] != std::to_string(::getppid()))
        return 2;
    if (arguments[0] == "hold") {
        for (;;)
            ::pause();
    }
    plan what;
    endpoint peer;
    const auto min = from_word<tls_version>(arguments.size() == 10 ? arguments[8] : "");
    if (!min || arguments[0] != "walk" || !read_plan(arguments[2], what) ||
        !parse_endpoint(arguments[3], peer))
        return 2;
    destination where;
    where.address = asio_endpoint(peer);
    where.name = arguments[4];
    where.host = arguments[5];
    where.stalls = arguments[6] == "stalls";
    where.may_lead_to = parse_address_policy(arguments[7]);
    if (!where.may_lead_to && arguments[7] != anywhere)
        return 2;
    where.path = first_line_of_input();
    if (where.path.empty())
        return 2;
    auto tls = make_tls_context(tls_settings{.ca = arguments[9], .min = *min});
    if (!tls)
        return 2; // whoever started this has read the file just before
    return lone_client(std::move(what), std::move(where), std::move(*tls)).run();
}

} // namespace finwait::client
