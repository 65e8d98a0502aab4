// The documents of web/records.hpp, and the bodies that the API takes.
#pragma once

#include "web/backend.hpp"
#include "web/json/json.hpp"
#include "web/records.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace finwait::json {

/// `finwait.audit/1` with `state`, `progress` and `links`.
std::string dump(const web::audit_record& what);
/// `finwait.probe/1`.
std::string dump(const web::probe_record& what);
/// `finwait.subjects/1`.
std::string dump(const std::vector<web::subject_record>& what);
/// `finwait.targets/1`.
std::string dump(const std::vector<web::target_record>& what);
/// `finwait.settings/1`.
std::string dump(const web::settings_record& what);

/// Data of an event `report`: `finwait.report_event/1`.
std::string dump(const web::report_event& what);
/// Data of an event `audit` at its end: the audit without its reports (json::dump_brief); before:
/// json::dump of its audit_record.
/// Data of an event `config`: `finwait.config_event/1`. `detail`: why not, or empty.
std::string dump_config_event(std::string_view detail);
/// Data of an event `resync`: `finwait.resync/1`, for a reader that has missed some.
std::string dump_resync(std::uint64_t newest);

/// A page of a list: `{"schema":"finwait.NAME/1","KEY":[…],"next":…}`, where KEY is NAME.
std::string dump_page(std::string_view name, const web::page& what);

/// The body of POST /api/v1/audits. Strict, names only: no URL, no command, no header can be in it.
/// The words are checked, what they are names of is not.
parsed<web::audit_order> parse_audit_order(std::string_view text);
/// The body of POST /api/v1/probes: a plan whose subject and target are names; without an id and
/// without a client's command.
parsed<plan> parse_probe_order(std::string_view text);
/// The body of an order that has nothing to choose: an empty object. nullopt: that is what it is.
std::optional<parse_error> parse_nothing(std::string_view text);

/// The place of a parse error (`request.body_bytes`, `at[2]`) as a pointer into the body (RFC
/// 6901):
/// `/request/body_bytes`, `/at/2`.
std::string pointer_of(std::string_view field);

} // namespace finwait::json
