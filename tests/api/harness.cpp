#include "tests/api/harness.hpp"

#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <future>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace finwait::web {

namespace {

std::string lower(std::string text)
{
    for (char& c : text)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
}

reply parse_head(std::string_view head)
{
    reply out;
    REQUIRE(head.starts_with("HTTP/1.1 "));
    std::from_chars(head.data() + 9, head.data() + 12, out.status);
    head.remove_prefix(head.find("\r\n") + 2);
    while (!head.empty()) {
        const auto line = head.substr(0, head.find("\r\n"));
        head.remove_prefix(line.size() + 2);
        const auto colon = line.find(": ");
        REQUIRE(colon != std::string_view::npos);
        out.fields.emplace(
            lower(std::string(line.substr(0, colon))), std::string(line.substr(colon + 2))
        );
    }
    return out;
}

} // namespace

std::string reply::field(std::string_view name) const
{
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
}

raw_client::raw_client(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
    REQUIRE(fd_ >= 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(fd_, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
}

raw_client::raw_client(const std::filesystem::path& unix_socket)
    : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
    REQUIRE(fd_ >= 0);
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    REQUIRE(unix_socket.native().size() < sizeof where.sun_path);
    unix_socket.native().copy(where.sun_path, sizeof where.sun_path);
    REQUIRE(connect(fd_, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
}

raw_client::~raw_client()
{
    if (fd_ >= 0)
        close(fd_);
}

bool raw_client::send(std::string_view bytes)
{
    while (!bytes.empty()) {
        const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0)
            return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void raw_client::shut_down()
{
    shutdown(fd_, SHUT_WR);
}

bool raw_client::readable_within(std::chrono::milliseconds time) const
{
    pollfd one{fd_, POLLIN, 0};
    return poll(&one, 1, static_cast<int>(time.count())) > 0;
}

bool raw_client::fill()
{
    REQUIRE_MESSAGE(readable_within(patience), "the server neither answers nor closes");
    char bytes[65536];
    const auto got = recv(fd_, bytes, sizeof bytes, 0);
    REQUIRE_MESSAGE(got >= 0, "the server closed by RST");
    received_.append(bytes, static_cast<std::size_t>(got));
    return got > 0;
}

std::optional<reply> raw_client::receive(asked how)
{
    auto end = received_.find("\r\n\r\n");
    while (end == std::string::npos) {
        if (!fill()) {
            CHECK(received_.empty());
            return std::nullopt;
        }
        end = received_.find("\r\n\r\n");
    }
    auto out = parse_head(std::string_view(received_).substr(0, end + 2));
    received_.erase(0, end + 4);
    std::size_t length = 0;
    const auto text = out.field("content-length");
    std::from_chars(text.data(), text.data() + text.size(), length);
    if (how == asked::head)
        return out;
    while (received_.size() < length)
        REQUIRE(fill());
    out.body = received_.substr(0, length);
    received_.erase(0, length);
    return out;
}

bool raw_client::closed_by_server()
{
    return received_.empty() && !fill();
}

std::string raw_client::receive_until(std::string_view text)
{
    auto at = received_.find(text);
    while (at == std::string::npos) {
        REQUIRE_MESSAGE(fill(), "the server closed before: " << text);
        at = received_.find(text);
    }
    const auto out = received_.substr(0, at + text.size());
    received_.erase(0, out.size());
    return out;
}

std::string raw_client::receive_all()
{
    std::string all;
    char bytes[65536];
    for (;;) {
        REQUIRE_MESSAGE(readable_within(patience), "the server does not close");
        const auto got = recv(fd_, bytes, sizeof bytes, 0);
        if (got <= 0)
            return all;
        all.append(bytes, static_cast<std::size_t>(got));
    }
}

running_server::running_server(limits allowed, const std::function<void(server_options&)>& change)
{
    char name[] = "/tmp/finwait-api-XXXXXX";
    REQUIRE(mkdtemp(name));
    folder_ = name;
    server_options options;
    options.tcp = {net::ip::address_v4::loopback(), 0};
    options.unix_path = path();
    options.limits = allowed;
    options.log = [this](const std::string& line) {
        const std::lock_guard lock(mutex_);
        lines_.push_back(line);
        told_.notify_all();
    };
    if (change)
        change(options);
    auto made = server::make(io_, backend_, std::move(options));
    REQUIRE(made);
    server_ = std::move(*made);
    port_ = server_->tcp() ? server_->tcp()->port() : std::uint16_t(0);
    thread_ = std::thread([this] { io_.run(); });
}

running_server::~running_server()
{
    net::post(io_, [this] { server_->stop(); });
    thread_.join(); // ends only when the event loop has nothing left to do
    CHECK_FALSE(std::filesystem::exists(path())); // nor a socket's file
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void running_server::inside(const std::function<void(fake_backend&, server&)>& what)
{
    std::promise<void> done;
    net::post(io_, [&] {
        what(backend_, *server_);
        done.set_value();
    });
    REQUIRE(done.get_future().wait_for(patience) == std::future_status::ready);
}

std::size_t running_server::connections()
{
    std::size_t count = 0;
    inside([&](fake_backend&, server& s) { count = s.connections(); });
    return count;
}

bool running_server::wait_for_connections(std::size_t wanted)
{
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (connections() != wanted)
        if (std::chrono::steady_clock::now() > deadline)
            return false;
    return true;
}

bool running_server::wait_for_log(std::string_view text)
{
    std::unique_lock lock(mutex_);
    return told_.wait_for(lock, patience, [&] {
        return std::any_of(lines_.begin(), lines_.end(), [&](const std::string& line) {
            return line.find(text) != std::string::npos;
        });
    });
}

std::vector<std::string> running_server::logged()
{
    const std::lock_guard lock(mutex_);
    return lines_;
}

reply ask(std::uint16_t port, std::string_view bytes)
{
    raw_client client(port);
    client.send(bytes);
    const auto out = client.receive();
    REQUIRE(out);
    return *out;
}

reply ask(const std::filesystem::path& unix_socket, std::string_view bytes)
{
    raw_client client(unix_socket);
    client.send(bytes);
    const auto out = client.receive();
    REQUIRE(out);
    return *out;
}

std::string get(std::string_view path, std::string_view more_fields)
{
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" +
           std::string(more_fields) + "\r\n";
}

std::string post(std::string_view path, std::string_view body, std::string_view more_fields)
{
    return "POST " + std::string(path) +
           " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n" + std::string(more_fields) + "\r\n" +
           std::string(body);
}

std::string delete_(std::string_view path)
{
    return "DELETE " + std::string(path) +
           " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\r\n";
}

} // namespace finwait::web
