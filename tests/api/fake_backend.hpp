// A backend with two audits, three reports and a status that tests change. It does not probe.
#pragma once

#include "web/backend.hpp"

#include <vector>

namespace finwait::web {

class fake_backend : public backend
{
public:
    /// With `tests/support/samples.hpp`'s audit as the latest and a clean one before it.
    fake_backend();

    service_status status() const override { return now; }
    health_checks readiness() const override { return ready; }
    audit_page audits(const audit_query& wanted) const override;
    document audit(std::string_view id) const override;
    document latest_audit() const override;
    document report(std::string_view id) const override;
    document matrix(std::string_view audit_id) const override;
    document latest_matrix() const override;

    service_status now;
    health_checks ready;
    std::vector<finwait::audit> kept; ///< newest first
    std::size_t padding_bytes = 0;    ///< of spaces behind each audit, to make it long
};

} // namespace finwait::web
