// The audits that the daemon remembers, as the documents it serves. In memory, bounded.
#pragma once

#include "probe/model/audit.hpp"
#include "web/backend.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace finwait::daemon {

/// How much is remembered.
struct history_limits
{
    std::size_t audits = 50; ///< with their outcome and summary
    /// Of documents with all reports: the newest audit whatever its size, older ones while they
    /// fit. What no longer fits is remembered without its reports.
    std::size_t full_bytes = 3 * 1024 * 1024;
};

/// Every document is made once, when its audit ends.
class history
{
public:
    explicit history(history_limits limits = {}) : limits_(limits) {}

    /// Remembers an audit as the newest, and forgets what is too much.
    void add(const audit& done);

    web::audit_page page(const web::audit_query& wanted) const;

    /// The whole audit, or, when its reports are forgotten, what lists show of it; null: unknown.
    web::document full(std::string_view id) const;
    web::document matrix(std::string_view id) const; ///< null: unknown, or forgotten
    web::document report(std::string_view id) const; ///< null: unknown, or forgotten
    web::document latest() const;
    web::document latest_matrix() const;

private:
    // Where a report stands in its audit's document: kept once, served twice.
    struct extent
    {
        std::size_t first = 0;
        std::size_t length = 0;
    };

    struct entry
    {
        std::string id;
        finwait::outcome outcome = finwait::outcome::unverified;
        web::document brief;
        web::document full;   ///< null: forgotten
        web::document matrix; ///< null: forgotten
        std::map<std::string, extent, std::less<>> reports;

        std::size_t full_bytes() const;
    };

    static std::map<std::string, extent, std::less<>>
    extents_of(const audit& done, const std::string& document);
    void trim();
    const entry* find(std::string_view id) const;

    history_limits limits_;
    std::deque<entry> entries_; ///< newest first
};

} // namespace finwait::daemon
