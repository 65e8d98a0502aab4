// Where the commands get what was found from: a daemon, or the file.
#pragma once

#include "daemon/history_commands.hpp"
#include "probe/model/audit.hpp"

#include <memory>
#include <stdexcept>
#include <string>

namespace finwait::daemon {

/// Nobody answers, or not as it should. The text is for people.
struct no_answer : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

/// The documents of the history. null and empty: unknown. Every call throws no_answer and, of a
/// file, usage_error: it is damaged.
class history_source
{
public:
    /// Throws usage_error: the file is no history, or the words make no sense.
    static std::unique_ptr<history_source> open(const history_words& where);
    /// Of a daemon.
    static std::unique_ptr<history_source> at(daemon_place where);

    virtual web::page audits(const web::audit_query& wanted) = 0;
    virtual web::document audit(const std::string& id) = 0; ///< also `latest`
    virtual web::document diff(const std::string& id, const std::string& against) = 0;
    virtual web::page reports(const web::report_query& wanted) = 0;
    virtual web::document report(const std::string& id) = 0;
    virtual web::page findings(const web::finding_query& wanted) = 0;

    history_source() = default;
    history_source(const history_source&) = delete;
    history_source& operator=(const history_source&) = delete;
    virtual ~history_source() = default;
};

/// The id of the audit that is meant: for `latest` that of the one that ended last, as far as there
/// is one; anything else is one already. Throws as `from` does.
std::string id_of_audit(history_source& from, const std::string& id);

/// An audit's document with the reports that it left out, as far as they are still there; the text
/// itself when it left out none, or is of a newer finwait. Throws as `from` does.
std::string with_all_reports(history_source& from, const std::string& text);

/// Says on standard error how many of its reports there are no more, if any.
void complain_of_missing_reports(const audit& of);

} // namespace finwait::daemon
