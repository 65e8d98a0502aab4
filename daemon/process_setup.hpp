// What a process sets for itself once, and how it ends by a signal.
#pragma once

namespace finwait::daemon {

/// SIGPIPE ignored: a write to a closed pipe is an error like any other. Children get the default
/// action back where they are spawned.
void ignore_broken_pipes();

/// Soft RLIMIT_NOFILE up to the hard limit. select(2), for whose sake the soft one is low, is not
/// used here.
void raise_descriptor_limit();

/// Whether a signal is ignored, as nohup(1) and a shell's `&` arrange for what they start: then it
/// is to stay so.
bool is_ignored(int number);

/// Ends this process by the default action of a signal, so that a shell shows 128 + number.
[[noreturn]] void die_by(int number);

} // namespace finwait::daemon
