// Children that are killed on purpose inherit doctest's signal handlers and would report a second
// failed run: no handlers.
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
