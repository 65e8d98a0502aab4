#include "probe/client/trust.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace finwait::client {

namespace {

using boost::system::result;

constexpr long largest_file_bytes = 1024L * 1024;

// A value is an X509_V_ERR_….
class category_type final : public boost::system::error_category
{
public:
    const char* name() const noexcept override { return "finwait.certificate"; }
    std::string message(int value) const override { return ::X509_verify_cert_error_string(value); }
};

const category_type& category()
{
    static const category_type only;
    return only;
}

// What is wrong with a file that can be read.
enum class file_error { no_certificate = 1, broken, too_large, no_file, no_path };

class file_category_type final : public boost::system::error_category
{
public:
    const char* name() const noexcept override { return "finwait.certificates"; }
    std::string message(int value) const override
    {
        switch (static_cast<file_error>(value)) {
        case file_error::no_certificate:
            return "it has no certificate in PEM form";
        case file_error::broken:
            return "one of its certificates cannot be read";
        case file_error::too_large:
            return "it is larger than 1 MiB";
        case file_error::no_file:
            return "it is no regular file";
        case file_error::no_path:
            return "no control characters may be in its path";
        }
        return "it cannot be used";
    }
};

error_code wrong(file_error what)
{
    static const file_category_type only;
    return {static_cast<int>(what), only};
}

error_code last_error()
{
    return {errno, boost::system::system_category()};
}

struct free_bio
{
    void operator()(BIO* what) const { ::BIO_free_all(what); }
};
struct free_store
{
    void operator()(X509_STORE* what) const { ::X509_STORE_free(what); }
};
struct free_certificate
{
    void operator()(X509* what) const { ::X509_free(what); }
};
using bio = std::unique_ptr<BIO, free_bio>;
using store = std::unique_ptr<X509_STORE, free_store>;
using certificate = std::unique_ptr<X509, free_certificate>;

// Its file, open. Without O_NONBLOCK open(2) of a FIFO waits until somebody writes to it.
result<bio> opened(const std::string& path)
{
    if (std::any_of(path.begin(), path.end(), [](char c) { return c >= 0 && c < ' '; }))
        return wrong(file_error::no_path);
    const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return last_error();
    bio out(::BIO_new_fd(fd, BIO_CLOSE));
    struct stat about
    {
    };
    if (::fstat(fd, &about) != 0)
        return last_error();
    if (!S_ISREG(about.st_mode))
        return wrong(file_error::no_file);
    if (about.st_size > largest_file_bytes)
        return wrong(file_error::too_large);
    // PEM is read by lines, and a descriptor gives none.
    out.reset(::BIO_push(::BIO_new(::BIO_f_buffer()), out.release()));
    return out;
}

bool is_end(unsigned long failed)
{
    return ERR_GET_LIB(failed) == ERR_LIB_PEM && ERR_GET_REASON(failed) == PEM_R_NO_START_LINE;
}

// Of what is encrypted; without it OpenSSL would ask on the terminal, or standard input.
int no_password(char*, int, int, void*)
{
    return -1;
}

// Reads each certificate into the store; other things in PEM form, such as keys, are passed over.
result<unsigned> read_into(X509_STORE* to, const std::string& path)
{
    const auto from = opened(path);
    if (!from)
        return from.error();
    unsigned count = 0;
    ::ERR_clear_error();
    while (const certificate one{
        ::PEM_read_bio_X509_AUX(from->get(), nullptr, no_password, nullptr)}) {
        if (::X509_STORE_add_cert(to, one.get()) != 1)
            break;
        ++count;
    }
    const auto failed = ::ERR_peek_last_error();
    ::ERR_clear_error();
    if (!is_end(failed))
        return wrong(file_error::broken);
    return count != 0 ? result<unsigned>(count) : wrong(file_error::no_certificate);
}

// HTTP/1.1, as RFC 7301 section 3.1 writes a list.
constexpr std::array<unsigned char, 9> protocols{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

error_code trust_only(net::ssl::context& to, const std::string& path)
{
    store trusted(::X509_STORE_new());
    const auto count = read_into(trusted.get(), path);
    if (!count)
        return count.error();
    // Each of the file's certificates is to be trusted, whether it is its own issuer or not.
    ::X509_STORE_set_flags(trusted.get(), X509_V_FLAG_PARTIAL_CHAIN);
    ::SSL_CTX_set_cert_store(to.native_handle(), trusted.release());
    to.set_verify_mode(net::ssl::verify_peer);
    return {};
}

// An SSL_R_…; 0: another library's error.
int reason_in(const error_code& failed)
{
    const auto code = static_cast<unsigned long>(failed.value());
    const bool is_tls =
        failed.category() == net::error::get_ssl_category() && ERR_GET_LIB(code) == ERR_LIB_SSL;
    return is_tls ? ERR_GET_REASON(code) : 0;
}

std::string without_brackets(const std::string& host)
{
    const bool has = host.size() > 2 && host.front() == '[' && host.back() == ']';
    return has ? host.substr(1, host.size() - 2) : host;
}

} // namespace

result<net::ssl::context> make_tls_context(const std::optional<tls_settings>& wanted)
{
    const auto how = wanted.value_or(tls_settings{});
    net::ssl::context out(net::ssl::context::tls_client);
    SSL_CTX* const raw = out.native_handle();
    // SSL_CTX_set_min_proto_version() is a macro with C casts.
    ::SSL_CTX_ctrl(
        raw,
        SSL_CTRL_SET_MIN_PROTO_VERSION,
        how.min == tls_version::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION,
        nullptr
    );
    ::SSL_CTX_set_alpn_protos(raw, protocols.data(), protocols.size());
    out.set_verify_mode(net::ssl::verify_none);
    if (!how.ca.empty())
        if (const auto failed = trust_only(out, how.ca); failed)
            return failed;
    return out;
}

result<unsigned> read_certificates(const std::string& path)
{
    const store nowhere(::X509_STORE_new());
    return read_into(nowhere.get(), path);
}

error_code expect_peer(SSL* session, const std::string& host)
{
    error_code is_name;
    const auto address = net::ip::make_address(without_brackets(host), is_name);
    X509_VERIFY_PARAM* const peer = ::SSL_get0_param(session);
    if (!is_name) {
        const bool is_set = ::X509_VERIFY_PARAM_set1_ip_asc(peer, address.to_string().c_str()) == 1;
        return is_set ? error_code() : error_code(net::error::invalid_argument);
    }
    // The dot that ends a name is in no certificate, and not sent (RFC 6066 section 3).
    const std::string name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
    // An empty name would switch the check off, and one with a NUL is none. The subject's common
    // name is no server's name any more (RFC 9110 section 4.3.4).
    ::X509_VERIFY_PARAM_set_hostflags(
        peer, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT
    );
    if (name.empty() || name.find('\0') != std::string::npos ||
        ::X509_VERIFY_PARAM_set1_host(peer, name.c_str(), name.size()) != 1)
        return net::error::invalid_argument;
    // SSL_set_tlsext_host_name() is a macro with a C cast.
    ::SSL_ctrl(
        session,
        SSL_CTRL_SET_TLSEXT_HOSTNAME,
        TLSEXT_NAMETYPE_host_name,
        const_cast<char*>(name.c_str())
    );
    return {};
}

error_code why_handshake_failed(const error_code& failed, SSL* session)
{
    const long why = ::SSL_get_verify_result(session);
    const bool is_ours = reason_in(failed) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    return is_ours && why != X509_V_OK ? not_verified(why) : failed;
}

error_code not_verified(long why)
{
    return {static_cast<int>(why), category()};
}

std::optional<long> why_not_verified(const error_code& failed)
{
    if (failed.category() != category())
        return std::nullopt;
    return failed.value();
}

bool is_version_refused(const error_code& failed)
{
    const int why = reason_in(failed);
    return why == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION || why == SSL_R_UNSUPPORTED_PROTOCOL ||
           why == SSL_R_WRONG_SSL_VERSION || why == SSL_R_VERSION_TOO_LOW;
}

} // namespace finwait::client
