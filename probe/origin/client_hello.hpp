// Whether a TLS ClientHello has arrived completely. No I/O, no TLS library: its bytes are kept, so
// that a handshake can still be made of them.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace finwait::origin {

enum class hello_progress { incomplete, complete, malformed };

/// Looks at all raw bytes that came from a client: TLS records of type handshake (RFC 8446 5.1)
/// whose content is one ClientHello (RFC 8446 4), perhaps in several records.
hello_progress client_hello_in(std::string_view raw);

} // namespace finwait::origin
