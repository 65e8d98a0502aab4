#include "daemon/client_main.hpp"

#include "probe/client/alone.hpp"

#include <string>
#include <vector>

namespace finwait {

int client_main(int argc, char** argv)
{
    return client::main_alone(std::vector<std::string>(argv + 2, argv + argc));
}

} // namespace finwait
