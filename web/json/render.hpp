// The parts of documents, before they become text. Keys stand in the order of the documentation.
#pragma once

#include "probe/model/audit.hpp"
#include "probe/subject/client_order.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace finwait::json {

using document = nlohmann::ordered_json;

// All declared before the templates below: argument-dependent look-up goes to namespace finwait,
// where the types are, and would not find these.
document render(const tls_settings& what);
document render(const plan& what);
document render(const subject::client_order& what);
document render(const report& what);
document render(const connection& what);
document render(const end& what);
document render(const look& what);
document render(const interval& what);
document render(const holder& what);
document render(const reason& what);
document render(const process_record& what);
document render(const expectation& what);
document render(const counter_deltas& what);
document render(const environment& what);
document render(const not_run& what);
/// Without `schema` and `reports`.
document render_head(const audit& what);

/// null when absent, otherwise its value or its word.
template <class T>
document render(const std::optional<T>& what)
{
    if (!what)
        return nullptr;
    if constexpr (std::is_enum_v<T>)
        return word(*what);
    else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>)
        return *what;
    else
        return render(*what);
}

/// The words of a list of enumerators, or a list of parts.
template <class T>
document render_list(const std::vector<T>& what)
{
    auto list = document::array();
    for (const T& each : what)
        if constexpr (std::is_enum_v<T>)
            list.push_back(word(each));
        else
            list.push_back(render(each));
    return list;
}

/// Compact. What a peer said need not be UTF-8: invalid bytes become U+FFFD.
std::string to_text(const document& what);

} // namespace finwait::json
