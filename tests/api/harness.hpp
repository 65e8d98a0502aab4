// A real server on loopback and on a Unix socket, in a thread of its own, and a client that sends
// raw bytes to it.
#pragma once

#include "tests/api/fake_backend.hpp"
#include "web/server.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace finwait::web {

/// Longer than anything takes that is going to happen at all.
constexpr std::chrono::seconds patience{20};

/// One answer, taken apart.
struct reply
{
    unsigned status = 0;
    std::multimap<std::string, std::string, std::less<>> fields; ///< names in lower case
    std::string body;

    /// The value of a field, or empty.
    std::string field(std::string_view name) const;
};

/// A connection of the test's. Every wait ends at `patience` and then fails the test.
class raw_client
{
public:
    explicit raw_client(std::uint16_t port);
    explicit raw_client(const std::filesystem::path& unix_socket);
    raw_client(raw_client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    raw_client(const raw_client&) = delete;
    raw_client& operator=(const raw_client&) = delete;
    ~raw_client();

    /// Sends all of it; false when the server has closed meanwhile.
    bool send(std::string_view bytes);
    /// Says that nothing more comes.
    void shut_down();
    /// The next answer; nullopt when the server closed instead. `to_head`: it has no body.
    enum class asked { get, head };
    std::optional<reply> receive(asked how = asked::get);
    /// Whether the server closes in an orderly way (no RST) without another byte.
    bool closed_by_server();
    /// Whether a byte or a close came within that time. Takes nothing out.
    bool readable_within(std::chrono::milliseconds time) const;
    /// Everything until the server closes; also when it does so by RST.
    std::string receive_all();

    /// Everything up to and with that text, which has to come.
    std::string receive_until(std::string_view text);

    int fd() const { return fd_; }

private:
    /// False at the end of the stream.
    bool fill();

    int fd_ = -1;
    std::string received_;
};

class running_server
{
public:
    /// `change` may change the options: 127.0.0.1 with any port, and a socket in a folder of the
    /// test's own.
    explicit running_server(
        limits allowed = {}, const std::function<void(server_options&)>& change = {}
    );
    running_server(const running_server&) = delete;
    running_server& operator=(const running_server&) = delete;
    /// Stops it and waits until the event loop has nothing left to do.
    ~running_server();

    std::uint16_t port() const { return port_; }
    std::filesystem::path path() const { return folder_ / "api.sock"; }
    /// Runs something in the server's thread and waits for it.
    void inside(const std::function<void(fake_backend&, server&)>& what);
    /// Connections that are open now.
    std::size_t connections();
    /// Waits until there are so many; false when there never were.
    bool wait_for_connections(std::size_t wanted);
    /// Waits until a line with that text was logged.
    bool wait_for_log(std::string_view text);
    /// Lines that were logged so far.
    std::vector<std::string> logged();

private:
    std::filesystem::path folder_;
    fake_backend backend_;
    net::io_context io_{1};
    std::unique_ptr<server> server_;
    std::uint16_t port_ = 0;
    std::mutex mutex_;
    std::condition_variable told_;
    std::vector<std::string> lines_;
    std::thread thread_;
};

/// A whole exchange on a connection of its own, which is closed behind it.
reply ask(std::uint16_t port, std::string_view bytes);
reply ask(const std::filesystem::path& unix_socket, std::string_view bytes);

/// `GET` of that path with the usual Host, kept alive.
std::string get(std::string_view path, std::string_view more_fields = "");

/// `POST` of that JSON.
std::string post(std::string_view path, std::string_view body, std::string_view more_fields = "");

/// `DELETE` of that path.
std::string delete_(std::string_view path);

} // namespace finwait::web
