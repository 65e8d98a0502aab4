// Whom the client takes for its peer over TLS: what the settings of a target ask for, and how it is
// told that the peer is somebody else.
#pragma once

#include "probe/client/stream.hpp"
#include "probe/model/tls_settings.hpp"

#include <boost/asio/ssl/context.hpp>
#include <boost/system/result.hpp>

#include <optional>
#include <string>

namespace finwait::client {

/// A client's TLS: 1.2 or newer, HTTP/1.1 as the one protocol (ALPN, RFC 7301). Without settings,
/// or without certificates in them, any peer will do: what is measured is the socket's end, and
/// nothing secret is ever sent. Errors: those of read_certificates(). Blocking: reads the file.
boost::system::result<net::ssl::context> make_tls_context(const std::optional<tls_settings>& wanted
);

/// Reads all of a PEM file for nothing but what is wrong with it: an errno (not there, not to be
/// read, no regular file, larger than a mebibyte), or that it has no certificate, or one that is
/// none. Success: the number of its certificates.
boost::system::result<unsigned> read_certificates(const std::string& path);

/// Tells the session the name of the server: in the ClientHello, unless it is an address (RFC 6066
/// section 3), and, where certificates are verified, as what the peer's has to name. `host` is as
/// in a URL, but for its port: `example.test`, `127.0.0.1`, `[::1]`. An error is to
/// end the handshake before it begins: who cannot be expected is not to be anybody.
[[nodiscard]] error_code expect_peer(SSL* session, const std::string& host);

/// What a handshake failed with: in place of OpenSSL's "certificate verify failed" the reason why.
error_code why_handshake_failed(const error_code& failed, SSL* session);

/// The error of a certificate that did not verify: an X509_V_ERR_… Its message is OpenSSL's own
/// text and has nothing of the certificate.
error_code not_verified(long why);

/// Which X509_V_ERR_… it is; nullopt: another error.
std::optional<long> why_not_verified(const error_code& failed);

/// Whether the two have no version of TLS in common.
bool is_version_refused(const error_code& failed);

} // namespace finwait::client
