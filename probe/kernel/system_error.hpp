// errno as an error_code.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/system_category.hpp>

#include <cerrno>

namespace finwait::kernel {

/// An errno value as an error code of the system category.
inline boost::system::error_code errno_code(int number)
{
    return {number, boost::system::system_category()};
}

/// What the failed system call just left in errno.
inline boost::system::error_code last_error()
{
    return errno_code(errno);
}

} // namespace finwait::kernel
