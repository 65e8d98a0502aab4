// The built-in client as a program of its own, for the kill methods that end a process.
#pragma once

namespace finwait {

/// `finwait client PLAN`: not for people, and in no help. Started by a worker, it walks one
/// exchange to its kill point and waits there for its end. Gives the exit status.
int client_main(int argc, char** argv);

} // namespace finwait
