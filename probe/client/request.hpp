// The bytes of the built-in client's request.
#pragma once

#include "probe/model/plan.hpp"

#include <string>

namespace finwait::client {

/// How many bytes of the head a client has sent that dies at `request_headers`: to the middle of
/// the first field's name, so that it depends neither on the host nor on its port's digits. For
/// the request target `/`.
std::size_t half_head_bytes(const plan& what);

/// The request head with its empty line. `host` is the Host field's value, `path` the target.
std::string make_head(const plan& what, const std::string& host, const std::string& path);

/// Gives a body piece by piece, framed, so that a large one takes no memory.
class body_source
{
public:
    /// The first `count` bytes of `what` (at most all of it). A part ends in the middle of the
    /// framing; the whole body has its end (the last chunk).
    body_source(const body& what, std::uint64_t count) : what_(what), count_(count) {}

    /// The next piece, framing included; empty when there is none left. Valid until the next call.
    const std::string& next();

private:
    body what_;
    std::uint64_t count_;
    std::uint64_t sent_ = 0;
    bool ended_ = false;
    std::string piece_;
};

} // namespace finwait::client
