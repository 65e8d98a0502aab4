#include "probe/kill/kill.hpp"

namespace finwait::kill {

kill_function killer_of(kill_method by)
{
    switch (by) {
    case kill_method::throw_:
        return by_throw;
    case kill_method::cancel:
        return by_cancel;
    case kill_method::deadline:
        return by_deadline;
    case kill_method::close:
        return by_close;
    case kill_method::shutdown_close:
        return by_shutdown_close;
    case kill_method::reset:
        return by_reset;
    case kill_method::abandon:
        return by_abandon;
    case kill_method::inherit:
        return by_inherit;
    case kill_method::sigint:
        return by_sigint;
    case kill_method::sigterm:
        return by_sigterm;
    case kill_method::sigkill:
        return by_sigkill;
    case kill_method::exit:
        return by_exit;
    case kill_method::stop:
        return by_stop;
    case kill_method::sock_destroy:
        return by_sock_destroy;
    case kill_method::peer_close:
        return by_peer_close;
    case kill_method::peer_reset:
        return by_peer_reset;
    case kill_method::peer_silent:
        return by_peer_silent;
    case kill_method::cut:
    case kill_method::own:
        break;
    }
    return nullptr;
}

} // namespace finwait::kill
