// What a server that is not ours has to be over TLS. Of the lab's origin nothing is asked.
#pragma once

#include "probe/model/words.hpp"

#include <string>

namespace finwait {

/// A version of TLS that a client may take for the least it speaks.
enum class tls_version { v1_2, v1_3 };

template <>
struct words<tls_version>
{
    static constexpr std::string_view what = "TLS version";
    static constexpr std::array<std::string_view, 2> table{"1.2", "1.3"};
};

/// How the client speaks TLS to a target. Session tickets are not among it: over TLS 1.3 no client
/// keeps a server from sending them, and over TLS 1.2 they are part of the handshake.
struct tls_settings
{
    /// Absolute path of a PEM file. The server's certificate has to be one of those, or be issued
    /// by one of them, and to name the URL's host. Empty: any certificate will do.
    std::string ca;
    tls_version min = tls_version::v1_2;

    friend bool operator==(const tls_settings&, const tls_settings&) = default;
};

} // namespace finwait
