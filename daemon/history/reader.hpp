// What can be read of a history: lists, documents, differences. By a connection of its own, which
// only reads.
#pragma once

#include "daemon/history/history.hpp"
#include "daemon/history/sqlite.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace finwait::daemon {

/// The documents of daemon/history/history.hpp, where the contract stands. Every call throws
/// sqlite_error. No call looks at more than some thousand rows.
class history_reader
{
public:
    /// `from` outlives it and is set up.
    explicit history_reader(database& from) : from_(from) {}

    web::page audits(const web::audit_query& wanted) const;
    web::document audit(std::string_view id) const;
    web::document latest_audit() const;
    web::document diff(std::string_view id, std::string_view against) const;
    web::document matrix(const web::matrix_query& wanted) const;
    web::page reports(const web::report_query& wanted) const;
    web::document report(std::string_view id) const;
    web::page findings(const web::finding_query& wanted) const;
    finwait::finding_counts finding_counts() const;
    std::optional<last_audit> last(std::string_view name) const;
    /// What record_keeper::note() has noted.
    std::optional<std::int64_t> noted(std::string_view key) const;

private:
    std::optional<std::string> latest_id() const;

    database& from_;
};

/// A history's file, opened to be read beside a daemon or without one.
class history_file
{
public:
    /// Throws usage_error: it is not there, is no history, is of a newer version.
    explicit history_file(const std::filesystem::path& file);

    const history_reader& read() const { return reader_; }

private:
    database opened_;
    history_reader reader_;
};

/// Why nothing can be read of that file, and when it is damaged where the cure stands.
std::string why_unreadable(const std::filesystem::path& file, const sqlite_error& error);

} // namespace finwait::daemon
