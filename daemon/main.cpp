// Where the program begins.
#include "daemon/cli.hpp"
#include "daemon/client_main.hpp"

#include <string_view>

int main(int argc, char** argv)
{
    // Before anything else: the client is to be what it measures, and nothing more.
    if (argc > 1 && std::string_view(argv[1]) == "client")
        return finwait::client_main(argc, argv);
    return finwait::daemon::run_command_line(argc, argv);
}
