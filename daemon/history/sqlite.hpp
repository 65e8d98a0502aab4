// SQLite as values: a connection, its prepared statements, a transaction. What goes wrong is an
// exception, since most of it ends a whole piece of work: whoever runs the piece catches it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace finwait::daemon {

/// What SQLite refused.
class sqlite_error : public std::runtime_error
{
public:
    sqlite_error(int code, const std::string& text) : std::runtime_error(text), code_(code) {}
    /// As if SQLite had found the file damaged.
    static sqlite_error damage(const std::string& text);

    int code() const { return code_; } ///< the extended result code
    bool is_damage() const;            ///< the file is no database, or not a whole one
    bool is_no_room() const;           ///< disk full, quota, file size limit
    bool is_busy() const;              ///< somebody else has it
    bool is_refused() const;           ///< what was to be written breaks a rule of the tables

private:
    int code_;
};

struct finalizer
{
    void operator()(sqlite3_stmt* done) const noexcept;
};
using owned_statement = std::unique_ptr<sqlite3_stmt, finalizer>;

class database;

/// A prepared statement with its values, on its way through its rows. Ends its read when destroyed.
/// Views of its texts hold until the next row.
class query
{
public:
    query(database& of, std::string sql, owned_statement prepared);
    query(query&&) noexcept = default;
    query& operator=(query&&) = delete;
    query(const query&) = delete;
    query& operator=(const query&) = delete;
    ~query();

    void bind(int index, std::int64_t value);
    void bind(int index, std::string_view value); ///< copied
    void bind_null(int index);
    template <class T>
    void bind(int index, const std::optional<T>& value)
    {
        if (value)
            bind(index, *value);
        else
            bind_null(index);
    }

    /// Goes to the next row; false: there is none. Throws sqlite_error.
    bool next();

    std::int64_t integer(int column) const;
    std::string_view text(int column) const; ///< empty for NULL
    bool is_null(int column) const;

private:
    database& of_;
    std::string sql_;
    owned_statement prepared_;
};

/// One connection, of one thread.
class database
{
public:
    enum class access {
        read_only,
        read_write,
        unchanging, ///< read only, and nobody writes: without a log, and without locks
    };

    /// A file that is there, or `:memory:`. Throws sqlite_error.
    database(const std::string& path, access how);
    database(const database&) = delete;
    database& operator=(const database&) = delete;
    ~database();

    /// Runs statements without values to their end.
    void run(const char* sql);

    /// A statement with its values. Prepared once for each text.
    template <class... Values>
    query ask(std::string_view sql, const Values&... values)
    {
        query made = prepare(sql);
        int index = 0;
        (bind_one(made, ++index, values), ...);
        return made;
    }

    /// The same, to its end.
    template <class... Values>
    void tell(std::string_view sql, const Values&... values)
    {
        query made = ask(sql, values...);
        while (made.next()) {
        }
    }

    /// The one number that a statement gives; 0 when there is no row.
    template <class... Values>
    std::int64_t number(std::string_view sql, const Values&... values)
    {
        query made = ask(sql, values...);
        return made.next() ? made.integer(0) : 0;
    }

    /// From now on asks after every so many steps of SQLite's machine whether to end what runs
    /// (with an sqlite_error). Empty: no longer.
    void ask_every(int steps, std::function<bool()> is_to_end);

    std::int64_t changes() const; ///< rows of the last INSERT, UPDATE or DELETE
    bool in_transaction() const;
    sqlite3* handle() const { return handle_; }
    [[noreturn]] void fail(std::string_view while_doing) const;

private:
    friend class query;

    template <class T>
    static void bind_one(query& to, int index, const T& value)
    {
        if constexpr (std::is_enum_v<T> || std::is_integral_v<T>)
            to.bind(index, static_cast<std::int64_t>(value));
        else if constexpr (std::is_convertible_v<const T&, std::string_view>)
            to.bind(index, std::string_view(value));
        else
            to.bind(index, value);
    }

    query prepare(std::string_view sql);
    void give_back(std::string sql, owned_statement prepared) noexcept;

    sqlite3* handle_ = nullptr;
    std::map<std::string, owned_statement, std::less<>> idle_;
    std::function<bool()> is_to_end_;
};

/// BEGIN IMMEDIATE; rolled back unless committed.
class transaction
{
public:
    explicit transaction(database& in);
    transaction(const transaction&) = delete;
    transaction& operator=(const transaction&) = delete;
    ~transaction();

    void commit();

private:
    database& in_;
};

} // namespace finwait::daemon
