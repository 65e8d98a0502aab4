// The origin over TLS, against OpenSSL clients that send nothing by themselves.
#include "tests/kernel/origin_peer.hpp"

#include <boost/asio/ssl/error.hpp>
#include <openssl/x509v3.h>

using namespace finwait;
using namespace finwait::test;

namespace {

std::shared_ptr<net::ssl::context> shared_context()
{
    static const auto made = origin::make_tls_context();
    REQUIRE_MESSAGE(made.has_value(), made.error().message());
    return *made;
}

origin::script at(kill_point point)
{
    origin::script how;
    how.at = point;
    how.tls = true;
    how.response = {framing::length, 1000};
    return how;
}

std::string whole_response()
{
    return response_head("Content-Length: 1000") + expected_body(1000);
}

} // namespace

TEST_SUITE("probe/origin/tls")
{
    TEST_CASE("the certificate is good for localhost and the loopback addresses")
    {
        X509* certificate = SSL_CTX_get0_certificate(shared_context()->native_handle());
        REQUIRE(certificate != nullptr);
        CHECK(X509_check_host(certificate, "localhost", 0, 0, nullptr) == 1);
        CHECK(X509_check_ip_asc(certificate, "127.0.0.1", 0) == 1);
        CHECK(X509_check_ip_asc(certificate, "::1", 0) == 1);
        CHECK(X509_check_host(certificate, "example.org", 0, 0, nullptr) != 1);
        CHECK(EVP_PKEY_base_id(X509_get0_pubkey(certificate)) == EVP_PKEY_EC);
        CHECK(X509_verify(certificate, X509_get0_pubkey(certificate)) == 1);
    }

    TEST_CASE("TLS 1.2 and 1.3, HTTP/1.1 by ALPN, a client that trusts the certificate")
    {
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            stage lab(at(kill_point::idle), shared_context());
            tls_peer client(lab, version);
            static constexpr unsigned char protocols[] = "\x02h2\x08http/1.1";
            SSL_set_alpn_protos(client.ssl(), protocols, sizeof protocols - 1);
            X509_STORE* trusted = X509_STORE_new();
            X509_STORE_add_cert(
                trusted, SSL_CTX_get0_certificate(shared_context()->native_handle())
            );
            SSL_set1_verify_cert_store(client.ssl(), trusted);
            X509_STORE_free(trusted);
            SSL_set1_host(client.ssl(), "localhost");
            SSL_set_verify(client.ssl(), SSL_VERIFY_PEER, nullptr);
            client.handshake();
            CHECK(SSL_version(client.ssl()) == version);
            const unsigned char* chosen = nullptr;
            unsigned bytes = 0;
            SSL_get0_alpn_selected(client.ssl(), &chosen, &bytes);
            CHECK(std::string(reinterpret_cast<const char*>(chosen), bytes) == "http/1.1");
            client.send(get_request);
            CHECK(client.receive(whole_response().size()) == whole_response());
            CHECK(lab.stalled().request_bytes == get_request.size());
            CHECK(lab.first().response_bytes == whole_response().size());
        }
    }

    TEST_CASE("TLS 1.1 is refused, and told as the connection's end")
    {
        stage lab(at(kill_point::idle), shared_context());
        tls_peer client(lab, TLS1_1_VERSION);
        SSL_set_security_level(client.ssl(), 0);
        client.raw.send(client.client_hello());
        const auto index = lab.stall();
        REQUIRE_FALSE(index.has_value());
        CHECK(index.error().category() == net::error::get_ssl_category());
    }

    TEST_CASE("TLS 1.3 tickets are in the client's queue right after the handshake")
    {
        stage lab(at(kill_point::await_response), shared_context());
        tls_peer client(lab, TLS1_3_VERSION);
        client.handshake();
        client.raw.wait_for_queued(400); // two tickets, about 255 bytes each
        CHECK(client.raw.queued() < 700);
    }

    TEST_CASE("connected: not a byte of the ClientHello is read")
    {
        stage lab(at(kill_point::connected), shared_context());
        tls_peer client(lab);
        client.raw.send(client.client_hello());
        (void)lab.stalled();
        CHECK(client.raw.queued() == 0);
        lab.let_go(after_action::close);
        CHECK(client.raw.wait_for_end() == ending::reset);
    }

    TEST_CASE("tls_handshake: reads the whole ClientHello and says nothing")
    {
        stage lab(at(kill_point::tls_handshake), shared_context());
        tls_peer client(lab);
        const auto hello = client.client_hello();
        client.raw.send(hello.substr(0, 100));
        run_until(lab.io, [&] { return lab.server->connections().size() == 1; });
        const auto early = finish(lab.io, lab.server->stall(1ms));
        REQUIRE_FALSE(early.has_value());
        CHECK(early.error() == net::error::timed_out);
        client.raw.send(hello.substr(100));
        CHECK(lab.stalled().response_bytes == 0);
        CHECK(client.raw.queued() == 0);
        SUBCASE("close: everything was read, so a FIN")
        {
            lab.let_go(after_action::close);
            CHECK(client.raw.wait_for_end() == ending::fin);
        }
        SUBCASE("answer: the handshake is made of what was read, and the exchange completed")
        {
            bool done = false;
            net::co_spawn(
                lab.io,
                lab.server->let_go(after_action::answer, patience),
                [&](std::exception_ptr) { done = true; }
            );
            client.handshake();
            client.send(get_request);
            CHECK(client.receive(std::string::npos) == whole_response());
            CHECK(client.got_close_notify());
            run_until(lab.io, [&] { return done; });
        }
    }

    TEST_CASE("tls_handshake: what is no ClientHello is noted")
    {
        stage lab(at(kill_point::tls_handshake), shared_context());
        peer client(lab);
        client.send(get_request);
        const auto index = lab.stall();
        REQUIRE_FALSE(index.has_value());
        CHECK(index.error() == boost::system::errc::bad_message);
        CHECK(lab.first().fault == "no TLS ClientHello");
    }

    TEST_CASE("the bytes of the request count inside TLS, and not one too many is taken")
    {
        auto how = at(kill_point::request_headers);
        std::string request = get_request;
        std::uint64_t expected = 12;
        SUBCASE("any client's head") {}
        SUBCASE("as many as the client says")
        {
            how.request_bytes_until_stall = 17;
            request = get_request.substr(0, 17);
            expected = 17;
        }
        SUBCASE("half of the body")
        {
            how.at = kill_point::request_body;
            request = length_head(100) + std::string(100, 'x');
            expected = length_head(100).size() + 50;
        }
        SUBCASE("the head alone")
        {
            how.at = kill_point::expect_continue;
            request = length_head(100) + std::string(100, 'x');
            expected = length_head(100).size();
        }
        stage lab(how, shared_context());
        tls_peer client(lab);
        client.handshake();
        client.send(request);
        CHECK(lab.stalled().request_bytes == expected);
        CHECK(lab.first().response_bytes == 0);
    }

    TEST_CASE("response points: the same bytes as without TLS")
    {
        for (const auto point : {kill_point::response_headers, kill_point::response_body}) {
            stage lab(at(point), shared_context());
            tls_peer client(lab);
            client.handshake();
            client.send(get_request);
            const auto head = response_head("Content-Length: 1000");
            const auto bytes =
                point == kill_point::response_headers ? head.size() / 2 : head.size() + 500;
            CHECK(lab.stalled().response_bytes == bytes);
            CHECK(client.receive(bytes) == whole_response().substr(0, bytes));
        }
    }

    TEST_CASE("close: no close_notify; answer: the rest and close_notify")
    {
        stage lab(at(kill_point::response_body), shared_context());
        tls_peer client(lab);
        client.handshake();
        client.send(get_request);
        (void)lab.stalled();
        SUBCASE("close")
        {
            lab.let_go(after_action::close);
            CHECK(client.receive(std::string::npos).size() == whole_response().size() - 500);
            CHECK_FALSE(client.got_close_notify());
            CHECK(client.raw.end() == ending::fin);
        }
        SUBCASE("answer")
        {
            lab.let_go(after_action::answer);
            CHECK(client.receive(std::string::npos) == whole_response());
            CHECK(client.got_close_notify());
            CHECK(client.raw.wait_for_end() == ending::fin);
        }
        SUBCASE("reset")
        {
            lab.let_go(after_action::reset);
            CHECK(client.raw.wait_for_end() == ending::reset);
        }
    }

    TEST_CASE("answer: half a request that ends gets close_notify and nothing else")
    {
        stage lab(at(kill_point::request_body), shared_context());
        tls_peer client(lab);
        client.handshake();
        client.send(length_head(100) + std::string(60, 'x'));
        (void)lab.stalled();
        client.raw.shut_down_sending();
        lab.let_go(after_action::answer);
        CHECK(client.receive(std::string::npos).empty());
        CHECK(client.got_close_notify());
    }

    TEST_CASE("tls_shutdown: the client's close_notify has come and is not answered")
    {
        stage lab(at(kill_point::tls_shutdown), shared_context());
        tls_peer client(lab);
        client.handshake();
        client.send(get_request);
        CHECK(client.receive(whole_response().size()) == whole_response());
        const auto early = finish(lab.io, lab.server->stall(1ms));
        REQUIRE_FALSE(early.has_value());
        CHECK(early.error() == net::error::timed_out);
        SUBCASE("close_notify")
        {
            client.send_close_notify();
            (void)lab.stalled();
            CHECK(client.raw.queued() == 0);
            CHECK(origin::state_of(client.raw.fd()) == tcp_state::ESTABLISHED);
            lab.let_go(after_action::answer);
            CHECK(client.receive(std::string::npos).empty());
            CHECK(client.got_close_notify());
        }
        SUBCASE("a bare FIN is not that")
        {
            client.raw.shut_down_sending();
            CHECK_FALSE(lab.stall().has_value());
        }
    }

    TEST_CASE("idle_peer_closed: a FIN without close_notify")
    {
        stage lab(at(kill_point::idle_peer_closed), shared_context());
        tls_peer client(lab);
        client.handshake();
        client.send(get_request);
        CHECK(client.receive(whole_response().size()) == whole_response());
        (void)lab.stalled();
        CHECK(client.receive(std::string::npos).empty());
        CHECK_FALSE(client.got_close_notify());
        CHECK(client.raw.end() == ending::fin);
    }

    TEST_CASE("a client that does not read: blocked in the origin's own send")
    {
        auto how = at(kill_point::idle);
        how.response = {framing::length, 32 * mebibyte};
        stage lab(how, shared_context());
        tls_peer client(lab);
        client.handshake();
        client.send(get_request);
        CHECK(lab.stalled().rest_blocked);
        const auto total = response_head("Content-Length: 33554432").size() + 32 * mebibyte;
        CHECK(lab.first().response_bytes < total);
        CHECK(client.receive(total).size() == total);
    }
}
