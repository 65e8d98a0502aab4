// The parts that the documents of the history have in common.
#pragma once

#include "web/json/history.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace finwait::json {

nlohmann::ordered_json render(const cell_words& what);
/// How many of each verdict, zeros too.
nlohmann::ordered_json render_counts(const cell_results& what);
/// The end, when it is one and the same; else null.
nlohmann::ordered_json render_end(const cell_results& what);
/// A document of ours as it was stored; null when it is none.
nlohmann::ordered_json stored_json(const std::string& text);

} // namespace finwait::json
