// Which certificates are taken from a file, and how it travels that one did not verify. Handshakes
// stand in tests/system/targets.py, against a real server.
#include "probe/client/trust.hpp"

#include "probe/client/address_check.hpp"
#include "probe/client/alone.hpp"
#include "probe/origin/origin.hpp"
#include "tests/unit/daemon/folder.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <memory>
#include <string>
#include <string_view>

#include <sys/stat.h>
#include <unistd.h>

namespace net = boost::asio;
using finwait::daemon::sample::folder;
using namespace finwait;
using namespace finwait::client;

namespace {

std::string a_certificate()
{
    auto made = origin::make_tls_context();
    REQUIRE(made);
    return origin::certificate_of(**made);
}

std::string what_is_wrong_with(const std::string& path)
{
    const auto read = read_certificates(path);
    return read ? std::string() : read.error().message();
}

boost::system::error_code of_openssl(int reason)
{
    return {static_cast<int>(ERR_PACK(ERR_LIB_SSL, 0, reason)), net::error::get_ssl_category()};
}

} // namespace

TEST_SUITE_BEGIN("probe/client/trust");

TEST_CASE("every certificate of a file counts, whatever stands between them")
{
    const folder here;
    const std::string two = "some words\n" + a_certificate() + "\n# and\n" + a_certificate();
    const auto read = read_certificates(here.file("two.pem", two));
    REQUIRE(read);
    CHECK(*read == 2);
    // As in a bundle that was put together twice.
    const auto again = read_certificates(here.file("four.pem", two + two));
    REQUIRE(again);
    CHECK(*again == 4);
}

TEST_CASE("a file that is none, or not wholly one of certificates, is refused with the cause")
{
    const folder here;
    const std::string good = a_certificate();
    const std::string broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    CHECK(what_is_wrong_with(here.path() + "/absent") == "No such file or directory");
    CHECK(what_is_wrong_with("") == "No such file or directory");
    CHECK(what_is_wrong_with(here.path()) == "it is no regular file");
    CHECK(what_is_wrong_with("/dev/zero") == "it is no regular file");
    CHECK(what_is_wrong_with(here.file("empty", "")) == "it has no certificate in PEM form");
    CHECK(what_is_wrong_with(here.file("text", "words\n")) == "it has no certificate in PEM form");
    CHECK(
        what_is_wrong_with(here.file("broken", broken)) == "one of its certificates cannot be read"
    );
    CHECK(
        what_is_wrong_with(here.file("both", good + broken)) ==
        "one of its certificates cannot be read"
    );
    CHECK(
        what_is_wrong_with(here.file("cut", good.substr(0, good.size() / 2))) ==
        "one of its certificates cannot be read"
    );
    CHECK(
        what_is_wrong_with(here.file("large", std::string(1024 * 1024 + 1, 'x'))) ==
        "it is larger than 1 MiB"
    );
    const std::string pipe = here.path() + "/pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(what_is_wrong_with(pipe) == "it is no regular file"); // and does not wait for a writer
    const std::string locked = "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
                               "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n"
                               "-----END CERTIFICATE-----\n";
    CHECK( // and nobody is asked for a password
        what_is_wrong_with(here.file("locked", locked)) == "one of its certificates cannot be read"
    );
    for (const std::string& end : {std::string("\n.pem"), std::string("\0.pem", 5)})
        CHECK(
            what_is_wrong_with(here.file("ca", good) + end) ==
            "no control characters may be in its path"
        );
}

TEST_CASE("without certificates any peer will do, with them none but theirs")
{
    const folder here;
    const auto mode_of = [](const auto& wanted) {
        auto made = make_tls_context(wanted);
        REQUIRE(made.has_value());
        return ::SSL_CTX_get_verify_mode(made->native_handle());
    };
    CHECK(mode_of(std::optional<tls_settings>()) == SSL_VERIFY_NONE);
    CHECK(
        mode_of(std::optional(tls_settings{.ca = {}, .min = tls_version::v1_3})) == SSL_VERIFY_NONE
    );
    const std::string file = here.file("ca.pem", a_certificate());
    CHECK(mode_of(std::optional(tls_settings{.ca = file})) == SSL_VERIFY_PEER);
    const auto without = make_tls_context(tls_settings{.ca = here.path() + "/absent"});
    CHECK_FALSE(without.has_value());
}

TEST_CASE("a name is sent and has to be in the certificate, an address only has to be there")
{
    struct row
    {
        std::string_view host;
        std::string_view sent; ///< in the ClientHello; empty: nothing
        std::string_view address;
    };
    constexpr row rows[] = {
        {"example.test", "example.test", ""},
        {"example.test.", "example.test", ""},
        {"127.0.0.1", "", "127.0.0.1"},
        {"[::1]", "", "0:0:0:0:0:0:0:1"},
        {"[2001:DB8::1]", "", "2001:DB8:0:0:0:0:0:1"}};
    auto context = make_tls_context(std::nullopt);
    REQUIRE(context.has_value());
    for (const row& each : rows) {
        CAPTURE(each.host);
        const std::unique_ptr<SSL, decltype(&::SSL_free)> session(
            ::SSL_new(context->native_handle()), &::SSL_free
        );
        CHECK_FALSE(expect_peer(session.get(), std::string(each.host)));
        const char* const sent = ::SSL_get_servername(session.get(), TLSEXT_NAMETYPE_host_name);
        CHECK(std::string_view(sent != nullptr ? sent : "") == each.sent);
        X509_VERIFY_PARAM* const wanted = ::SSL_get0_param(session.get());
        const char* const name = ::X509_VERIFY_PARAM_get0_host(wanted, 0);
        CHECK(std::string_view(name != nullptr ? name : "") == each.sent);
        char* const address = ::X509_VERIFY_PARAM_get1_ip_asc(wanted);
        CHECK(std::string_view(address != nullptr ? address : "") == each.address);
        ::OPENSSL_free(address);
    }
}

TEST_CASE("who cannot be expected is not anybody")
{
    auto context = make_tls_context(std::nullopt);
    REQUIRE(context.has_value());
    for (const std::string& host :
         {std::string(), std::string("."), std::string("localhost\0x", 11)}) {
        const std::unique_ptr<SSL, decltype(&::SSL_free)> session(
            ::SSL_new(context->native_handle()), &::SSL_free
        );
        CHECK(expect_peer(session.get(), host));
    }
}

TEST_CASE("what a client in a process of its own says of its end is the error that it had")
{
    CHECK(class_not_permitted(parse_ending("private 10.0.0.1")) == address_class::private_network);
    const auto hostname =
        parse_ending("certificate " + std::to_string(X509_V_ERR_HOSTNAME_MISMATCH));
    CHECK(why_not_verified(hostname) == X509_V_ERR_HOSTNAME_MISMATCH);
    CHECK(hostname.message() == "hostname mismatch");
    const auto version = of_openssl(SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
    CHECK(parse_ending("tls " + std::to_string(version.value())) == version);
    CHECK(is_version_refused(version));
    CHECK_FALSE(is_version_refused(of_openssl(SSL_R_CERTIFICATE_VERIFY_FAILED)));
    CHECK(parse_ending("111") == boost::system::errc::connection_refused);
    for (const char* strange : {"", "0", "certificate", "certificate x", "tls", "tls ", "words"}) {
        CAPTURE(strange);
        CHECK(parse_ending(strange) == net::error::connection_aborted);
        CHECK_FALSE(why_not_verified(parse_ending(strange)));
    }
}

TEST_SUITE_END();
