#include "probe/client/address_check.hpp"

#include "probe/client/asio_endpoint.hpp"

#include <fmt/format.h>

namespace finwait::client {

namespace {

// A value is a class, plus one: 0 is success.
class category_type final : public boost::system::error_category
{
public:
    const char* name() const noexcept override { return "finwait.address"; }
    std::string message(int value) const override
    {
        return fmt::format(
            "the target led to a {} address, which its configuration does not allow",
            word(static_cast<address_class>(value - 1))
        );
    }
};

const category_type& category()
{
    static const category_type only;
    return only;
}

} // namespace

error_code check_address(const destination& where, const tcp::endpoint& peer)
{
    if (!where.may_lead_to)
        return {};
    const auto what = class_of(from_asio(peer));
    return permits(*where.may_lead_to, what) ? error_code() : not_permitted(what);
}

error_code not_permitted(address_class what)
{
    return {static_cast<int>(what) + 1, category()};
}

std::optional<address_class> class_not_permitted(const error_code& failed)
{
    if (failed.category() != category())
        return std::nullopt;
    return static_cast<address_class>(failed.value() - 1);
}

std::string refusal_of(const error_code& failed, const net::ip::address& address)
{
    const auto what = class_not_permitted(failed);
    if (!what)
        return failed.message();
    return fmt::format(
        "the target led to {}, a {} address, which its configuration does not allow",
        address.to_string(),
        word(*what)
    );
}

} // namespace finwait::client
