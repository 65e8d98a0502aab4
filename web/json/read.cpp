#include "web/json/read.hpp"

#include "web/json/time.hpp"

#include <cmath>

namespace finwait::json {

namespace {

constexpr std::size_t deepest = 32;

std::string to_text(const place& where)
{
    if (!where.parent)
        return std::string(where.key);
    auto text = to_text(*where.parent);
    if (where.key.empty())
        return text + fmt::format("[{}]", where.index);
    if (!text.empty())
        text += '.';
    return text + std::string(where.key);
}

/// Builds the value of nlohmann's events. Returning false ends the parse.
class builder : public nlohmann::json_sax<value>
{
public:
    explicit builder(fault& why) : why_(why) {}

    bool null() override { return put(nullptr); }
    bool boolean(bool what) override { return put(what); }
    bool number_integer(number_integer_t what) override { return put(what); }
    bool number_unsigned(number_unsigned_t what) override { return put(what); }
    bool number_float(number_float_t what, const string_t&) override { return put(what); }
    bool string(string_t& what) override { return put(std::move(what)); }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open(value::object()); }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(value::array()); }
    bool end_array() override { return close(); }

    bool key(string_t& name) override
    {
        key_ = std::move(name);
        if (!open_.back()->contains(key_))
            return true;
        return refuse(fmt::format("the key {} is there twice", in_quotes(key_)));
    }

    bool
    parse_error(std::size_t byte, const std::string&, const nlohmann::detail::exception& e) override
    {
        // "[json.exception.parse_error.101] parse error at …: syntax error while …"
        std::string_view text = e.what();
        if (const auto bracket = text.find("] "); bracket != std::string_view::npos)
            text.remove_prefix(bracket + 2);
        return refuse(fmt::format("is no JSON (byte {}): {}", byte, text));
    }

    value take() { return std::move(root_); }

private:
    value* add(value&& what)
    {
        if (open_.empty())
            return &(root_ = std::move(what));
        value& parent = *open_.back();
        if (parent.is_array())
            return &parent.emplace_back(std::move(what));
        return &(parent[key_] = std::move(what));
    }

    template <class T>
    bool put(T&& what)
    {
        add(value(std::forward<T>(what)));
        return true;
    }

    bool open(value&& what)
    {
        if (open_.size() == deepest)
            return refuse(fmt::format("is nested deeper than {} levels", deepest));
        open_.push_back(add(std::move(what)));
        return true;
    }

    bool close()
    {
        open_.pop_back();
        return true;
    }

    bool refuse(std::string detail)
    {
        why_.refuse(place{}, std::move(detail));
        return false;
    }

    fault& why_;
    value root_;
    std::vector<value*> open_; ///< the last is being filled, so nothing before it moves
    std::string key_;
};

} // namespace

void fault::refuse(const place& where, std::string detail)
{
    if (!first_)
        first_ = parse_error{to_text(where), std::move(detail)};
}

value parse_object(std::string_view text, fault& why)
{
    if (text.starts_with("\xEF\xBB\xBF")) // nlohmann skips it
        return why.refuse(place{}, "begins with a byte order mark"), nullptr;
    builder build(why);
    (void)value::sax_parse(text, &build); // ignoring: a false stands in `why`
    auto parsed = why ? value() : build.take();
    if (!why && !parsed.is_object())
        why.refuse(place{}, "must be a JSON object");
    return parsed;
}

object_reader::object_reader(const value& from, const place& at, fault& why)
    : from_(from), at_(at), why_(why), readable_(from.is_object())
{
    asked_.reserve(24);
    if (!readable_)
        why_.refuse(at_, "must be an object");
}

const value* object_reader::find(std::string_view key)
{
    asked_.push_back(key);
    if (!readable_ || why_)
        return nullptr;
    const auto found = from_.find(key);
    if (found == from_.end())
        return nullptr;
    ++found_;
    return &*found;
}

void object_reader::need_schema(std::string_view wanted)
{
    std::string schema;
    need("schema", schema);
    if (missing_ != "schema" && !why_ && schema != wanted)
        why_.refuse(
            place{&at_, "schema"},
            fmt::format("is {}, not {}", in_quotes(schema), in_quotes(wanted))
        );
}

void object_reader::finish()
{
    if (!readable_ || why_)
        return;
    if (found_ != from_.size())
        for (const auto& [key, ignored] : from_.items())
            if (std::find(asked_.begin(), asked_.end(), key) == asked_.end())
                return why_.refuse(place{&at_, key}, "unknown key; " + suggestion(key, asked_));
    finish_known();
}

void object_reader::finish_known()
{
    if (readable_ && !why_ && !missing_.empty())
        why_.refuse(place{&at_, missing_}, "is missing");
}

void decode(const value& from, const place& at, fault& why, bool& out)
{
    if (!from.is_boolean())
        return why.refuse(at, "must be true or false");
    out = from.get<bool>();
}

void decode(const value& from, const place& at, fault& why, std::string& out)
{
    if (!from.is_string())
        return why.refuse(at, "must be a string");
    out = from.get_ref<const std::string&>();
}

void decode(const value& from, const place& at, fault& why, endpoint& out)
{
    std::string text;
    decode(from, at, why, text);
    if (!why && !parse_endpoint(text, out))
        why.refuse(at, "must be an address with a port, such as \"127.0.0.1:80\" or \"[::1]:80\"");
}

void decode(
    const value& from, const place& at, fault& why, std::chrono::system_clock::time_point& out
)
{
    std::string text;
    decode(from, at, why, text);
    const auto when = time_from_text(text);
    if (when)
        out = *when;
    else
        why.refuse(at, "must be a time in UTC, such as \"2026-01-31T12:00:00.123456Z\"");
}

void decode(const value& from, const place& at, fault& why, double& out)
{
    if (!from.is_number() || !std::isfinite(from.get<double>()))
        return why.refuse(at, "must be a number");
    out = from.get<double>();
}

} // namespace finwait::json
