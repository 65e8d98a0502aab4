#include "daemon/history/sqlite.hpp"

#include <fmt/format.h>

#include <sqlite3.h>

namespace finwait::daemon {

namespace {

/// As many texts as there are in the history, and no more if somebody should make them up.
constexpr std::size_t most_idle_statements = 64;

int primary(int code)
{
    return code & 0xff;
}

/// The path as a URI that says that nobody writes (SQLite: "Uniform Resource Identifiers").
std::string unchanging_uri(const std::string& path)
{
    std::string uri = "file:";
    for (const char each : path)
        if (each == '%' || each == '?' || each == '#')
            uri += fmt::format("%{:02x}", static_cast<unsigned char>(each));
        else
            uri += each;
    return uri + "?immutable=1";
}

int flags_of(database::access how)
{
    switch (how) {
    case database::access::read_only:
        return SQLITE_OPEN_READONLY;
    case database::access::unchanging:
        return SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
    case database::access::read_write:
        break;
    }
    return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
}

} // namespace

sqlite_error sqlite_error::damage(const std::string& text)
{
    return {SQLITE_CORRUPT, text};
}

bool sqlite_error::is_damage() const
{
    return primary(code_) == SQLITE_CORRUPT || primary(code_) == SQLITE_NOTADB;
}

bool sqlite_error::is_no_room() const
{
    // A file size limit (EFBIG) and a quota (EDQUOT) come as failed writes, a full disk as FULL.
    return primary(code_) == SQLITE_FULL || code_ == SQLITE_IOERR_WRITE ||
           code_ == SQLITE_IOERR_SHMSIZE || code_ == SQLITE_IOERR_TRUNCATE ||
           code_ == SQLITE_IOERR_FSYNC;
}

bool sqlite_error::is_busy() const
{
    return primary(code_) == SQLITE_BUSY || primary(code_) == SQLITE_LOCKED;
}

bool sqlite_error::is_refused() const
{
    return primary(code_) == SQLITE_CONSTRAINT;
}

void finalizer::operator()(sqlite3_stmt* done) const noexcept
{
    (void)sqlite3_finalize(done); // ignoring: it repeats the error of the last step
}

// ---- query

query::query(database& of, std::string sql, owned_statement prepared)
    : of_(of), sql_(std::move(sql)), prepared_(std::move(prepared))
{
}

query::~query()
{
    if (prepared_)
        of_.give_back(std::move(sql_), std::move(prepared_));
}

void query::bind(int index, std::int64_t value)
{
    if (sqlite3_bind_int64(prepared_.get(), index, value) != SQLITE_OK)
        of_.fail(sql_);
}

void query::bind(int index, std::string_view value)
{
    // A view without an address would be NULL, not the empty text.
    const char* const from = value.data() == nullptr ? "" : value.data();
    // NOLINTNEXTLINE(performance-no-int-to-ptr): SQLITE_TRANSIENT is a cast in SQLite's header
    const auto copied = SQLITE_TRANSIENT;
    if (sqlite3_bind_text64(prepared_.get(), index, from, value.size(), copied, SQLITE_UTF8) !=
        SQLITE_OK)
        of_.fail(sql_);
}

void query::bind_null(int index)
{
    if (sqlite3_bind_null(prepared_.get(), index) != SQLITE_OK)
        of_.fail(sql_);
}

bool query::next()
{
    const int result = sqlite3_step(prepared_.get());
    if (result == SQLITE_ROW)
        return true;
    if (result != SQLITE_DONE)
        of_.fail(sql_);
    return false;
}

std::int64_t query::integer(int column) const
{
    return sqlite3_column_int64(prepared_.get(), column);
}

std::string_view query::text(int column) const
{
    const void* const from = sqlite3_column_text(prepared_.get(), column);
    if (from == nullptr)
        return {};
    const auto bytes = static_cast<std::size_t>(sqlite3_column_bytes(prepared_.get(), column));
    return {static_cast<const char*>(from), bytes};
}

bool query::is_null(int column) const
{
    return sqlite3_column_type(prepared_.get(), column) == SQLITE_NULL;
}

// ---- database

database::database(const std::string& path, access how)
{
    // No mutex of its own: a connection belongs to one thread.
    const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | flags_of(how);
    const auto name = how == access::unchanging ? unchanging_uri(path) : path;
    const int result = sqlite3_open_v2(name.c_str(), &handle_, flags, nullptr);
    if (result == SQLITE_OK)
        return;
    const std::string text = handle_ == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(handle_);
    (void)sqlite3_close_v2(handle_); // ignoring: nothing was opened
    throw sqlite_error(result, text);
}

database::~database()
{
    idle_.clear();
    (void)sqlite3_close_v2(handle_); // ignoring: all statements are gone
}

void database::run(const char* sql)
{
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        fail(sql);
}

void database::ask_every(int steps, std::function<bool()> is_to_end)
{
    is_to_end_ = std::move(is_to_end);
    const auto ask = [](void* of) {
        return (*static_cast<std::function<bool()>*>(of))() ? 1 : 0;
    };
    sqlite3_progress_handler(handle_, is_to_end_ ? steps : 0, ask, &is_to_end_);
}

std::int64_t database::changes() const
{
    return sqlite3_changes64(handle_);
}

bool database::in_transaction() const
{
    return sqlite3_get_autocommit(handle_) == 0;
}

void database::fail(std::string_view while_doing) const
{
    throw sqlite_error(
        sqlite3_extended_errcode(handle_),
        fmt::format("{} ({}…)", sqlite3_errmsg(handle_), while_doing.substr(0, 40))
    );
}

query database::prepare(std::string_view sql)
{
    if (const auto found = idle_.find(sql); found != idle_.end()) {
        auto taken = idle_.extract(found);
        return query(*this, std::move(taken.key()), std::move(taken.mapped()));
    }
    sqlite3_stmt* made = nullptr;
    if (sqlite3_prepare_v3(
            handle_,
            sql.data(),
            static_cast<int>(sql.size()),
            SQLITE_PREPARE_PERSISTENT,
            &made,
            nullptr
        ) != SQLITE_OK)
        fail(sql);
    return query(*this, std::string(sql), owned_statement(made));
}

void database::give_back(std::string sql, owned_statement prepared) noexcept
{
    (void)sqlite3_reset(prepared.get()); // ignoring: it repeats the error of the last step
    (void)sqlite3_clear_bindings(prepared.get());
    if (idle_.size() >= most_idle_statements)
        return;
    try {
        idle_.emplace(std::move(sql), std::move(prepared)); // one of two equal ones is let go
    } catch (const std::bad_alloc&) {
        return; // without the memory to keep it, it is prepared again
    }
}

// ---- transaction

transaction::transaction(database& in) : in_(in)
{
    in_.run("BEGIN IMMEDIATE");
}

transaction::~transaction()
{
    // Some errors have rolled it back already (SQLite: "Response To Errors Within A Transaction").
    if (in_.in_transaction())
        (void)sqlite3_exec(in_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void transaction::commit()
{
    in_.run("COMMIT");
}

} // namespace finwait::daemon
