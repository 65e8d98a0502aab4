#include "web/problem.hpp"

namespace finwait::web {

namespace {

struct row
{
    unsigned status;
    std::string_view title;
};

/// In the order of `problem_code`.
constexpr std::array<row, 24> rows{{
    {400, "The request is malformed"},
    {400, "The body is not what this route takes"},
    {400, "The query has a parameter that this route does not know"},
    {401, "A token is needed"},
    {403, "Requests of other web sites are not answered"},
    {403, "Target address is not allowed"},
    {403, "This is answered on the Unix socket only"},
    {404, "There is no such resource"},
    {404, "There is no such target"},
    {404, "There is no such subject"},
    {405, "This resource does not know the method"},
    {405, "This listener only answers reading requests"},
    {409, "It has ended already"},
    {411, "A body needs a Content-Length"},
    {413, "The body is too large"},
    {415, "The body must be JSON"},
    {417, "This expectation cannot be met"},
    {421, "This host name is not served here"},
    {422, "The configuration has errors"},
    {429, "Too many are waiting already"},
    {431, "The request header is too large"},
    {500, "The request could not be answered"},
    {501, "This method is not implemented"},
    {503, "Too many connections"},
}};

const row& row_of(problem_code code)
{
    return rows[static_cast<std::size_t>(code)];
}

} // namespace

unsigned status_of(problem_code code)
{
    return row_of(code).status;
}

std::string_view title_of(problem_code code)
{
    return row_of(code).title;
}

} // namespace finwait::web
