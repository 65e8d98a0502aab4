// The origin's TLS: a certificate made in memory, HTTP/1.1 by ALPN, OpenSSL's defaults otherwise.
// Session tickets stay on (two after a TLS 1.3 handshake), since servers send them and an unread
// ticket is what turns a client's close into a reset.
#include "probe/origin/origin.hpp"

#include <boost/asio/ssl/error.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string_view>

namespace finwait::origin {

namespace {

constexpr long day_s = 24L * 3600;
constexpr long life_s = 3650 * day_s;

template <auto Free>
struct freer
{
    template <class T>
    void operator()(T* what) const
    {
        Free(what);
    }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freer<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freer<X509_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, freer<X509_EXTENSION_free>>;

boost::system::error_code openssl_error()
{
    const auto code = ERR_get_error();
    if (code == 0)
        return boost::system::errc::make_error_code(boost::system::errc::not_enough_memory);
    return {static_cast<int>(code), net::error::get_ssl_category()};
}

bool add_extension(X509* to, int nid, const char* value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, to, to, nullptr, nullptr, 0);
    const extension_ptr made(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
    return made && X509_add_ext(to, made.get(), -1) == 1;
}

/// Serial 1: nobody keeps this certificate longer than its process.
certificate_ptr make_certificate(EVP_PKEY* key)
{
    certificate_ptr made(X509_new());
    if (!made)
        return nullptr;
    const auto* name = reinterpret_cast<const unsigned char*>("localhost");
    auto* subject = X509_get_subject_name(made.get());
    const bool good =
        X509_set_version(made.get(), X509_VERSION_3) == 1 &&
        ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(made.get()), -day_s) != nullptr &&
        X509_gmtime_adj(X509_getm_notAfter(made.get()), life_s) != nullptr &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0) == 1 &&
        X509_set_issuer_name(made.get(), subject) == 1 && X509_set_pubkey(made.get(), key) == 1 &&
        add_extension(made.get(), NID_basic_constraints, "critical,CA:TRUE") &&
        add_extension(made.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
        X509_sign(made.get(), key, EVP_sha256()) > 0;
    return good ? std::move(made) : nullptr;
}

/// ALPN (RFC 7301): http/1.1 when it is offered, else no protocol at all.
int choose_http(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes, const unsigned char* offered, unsigned offered_bytes, void*)
{
    static constexpr unsigned char http[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    unsigned char* found = nullptr;
    if (SSL_select_next_proto(&found, chosen_bytes, http, sizeof http, offered, offered_bytes) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

} // namespace

result<std::shared_ptr<net::ssl::context>> make_tls_context()
{
    ERR_clear_error();
    const key_ptr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    const auto certificate = key ? make_certificate(key.get()) : nullptr;
    std::unique_ptr<SSL_CTX, freer<SSL_CTX_free>> made(SSL_CTX_new(TLS_server_method()));
    if (!certificate || !made || SSL_CTX_use_certificate(made.get(), certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(made.get(), key.get()) != 1 ||
        SSL_CTX_set_min_proto_version(made.get(), TLS1_2_VERSION) != 1)
        return openssl_error();
    SSL_CTX_set_session_cache_mode(made.get(), SSL_SESS_CACHE_OFF); // tickets need no cache
    SSL_CTX_set_mode(made.get(), SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(made.get(), choose_http, nullptr);
    return std::make_shared<net::ssl::context>(made.release());
}

std::string certificate_of(net::ssl::context& tls)
{
    const std::unique_ptr<BIO, freer<BIO_free_all>> out(BIO_new(BIO_s_mem()));
    auto* const certificate = SSL_CTX_get0_certificate(tls.native_handle());
    char* text = nullptr;
    if (!out || certificate == nullptr || PEM_write_bio_X509(out.get(), certificate) != 1)
        return {};
    const long bytes = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(bytes)};
}

} // namespace finwait::origin
