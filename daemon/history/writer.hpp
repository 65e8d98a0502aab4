// The one who writes: a thread with a queue in front of it, and the state of the file.
//
//   io_context's thread                     writer's thread
//   submit() ──▶ queue, bounded ──▶ as many as there are, in one transaction ──▶ posts `stored`
//                                   damaged: sets the file aside, begins a new one
//                                   no room: loses reports, keeps findings and the ends of audits
//                                            for later, tries again by itself
//                                   nothing to write: forgets what is too old or too much
#pragma once

#include "daemon/history/history.hpp"
#include "daemon/history/keeping.hpp"
#include "daemon/history/record_keeper.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace finwait::daemon {

/// What kind of write it is decides what becomes of it when it fails.
enum class write_kind {
    other,      ///< is made good by the next one
    report,     ///< is lost and counted; tried again when it is a finding
    end,        ///< is tried again
    retirement, ///< is tried again, unless there is a later one
};

/// Something to write.
struct write_job
{
    write_kind kind = write_kind::other;
    std::function<void(record_keeper&)> work; ///< within a transaction; may run more than once
    std::function<void(bool is_stored)> stored;
    std::size_t bytes = 0;               ///< that it holds, about
    std::optional<audit_start> begins{}; ///< the audit that it makes known, for what follows
    std::shared_ptr<const report_row> finding{}; ///< of a report that is one
};

/// What the writer needs of the outside.
struct writer_setup
{
    std::optional<std::filesystem::path> file; ///< absent: in memory; its place is taken
    history_settings how;
    std::function<void(std::function<void()>)> post; ///< into the io_context; from any thread
    std::function<void(const std::string&)> log;     ///< called there
    std::function<void()> opened{};                  ///< called there: there is room at last
};

class writer
{
public:
    /// Opens the file, or makes it; without room for that it is tried again, as a write is. Throws
    /// usage_error: newer, or another program's; sqlite_error: it cannot be opened.
    explicit writer(writer_setup setup);
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;
    /// Writes what is waiting, then closes.
    ~writer();

    void submit(write_job job);
    void keep(const history_settings& how);
    /// Forgets what is due, once nothing is to be written.
    void maintain();
    /// Somebody has read something that cannot be, in the file of that generation: it is set aside.
    void note_damage(std::string why, unsigned generation);
    /// Waits until there is nothing more to do.
    void flush();

    /// The connection, of a history in memory: there is no thread then, and it is the only one.
    database& memory() { return *opened_; }
    bool is_in_memory() const { return !setup_.file; }
    /// Another number: the file is another one, or was opened again.
    unsigned generation() const { return generation_; }
    /// Not as long as there was no room for it: nobody writes the file then.
    bool is_open() const { return is_open_; }
    bool was_unclean() const { return was_unclean_; }
    finwait::finding_counts findings() const;
    history_state state() const;
    /// Counts in what is there, for as long as it is not open.
    void count_findings(database& in);

private:
    using guard = std::unique_lock<std::mutex>;
    class closing;

    // In the constructing thread, and again when a file was set aside or there was no room.
    void start();
    void open();
    void open_whole_file();
    void close();
    void look_at_indices();
    void replace(const std::string& why);

    // In the writer's thread.
    void run();
    std::vector<write_job> take(guard& lock);
    void write(std::vector<write_job> jobs);
    bool write_at_once(const std::vector<write_job>& jobs);
    void write_one(write_job job);
    /// As replace(); gives why it could not be done.
    std::optional<std::string> set_aside_now(const std::string& why);
    void fail(write_job job, const std::string& why);
    void succeed(const std::vector<write_job>& jobs);
    void owe(write_job job);
    /// Writes what is owed, in its order; gives why something of it could not be written.
    std::optional<std::string> make_good();
    bool tidy();
    void tell(std::function<void(bool)> stored, bool is_stored);
    void say(std::string text);
    void count_findings();

    writer_setup setup_;
    std::atomic<unsigned> generation_ = 0;
    std::atomic<bool> was_unclean_ = false;
    std::atomic<bool> is_open_ = false;

    // Of whoever writes: the thread, or in memory the caller.
    std::unique_ptr<database> opened_;
    open_audits open_;
    std::optional<record_keeper> keeper_;
    std::deque<write_job> owed_; ///< could not be written
    std::size_t owed_bytes_ = 0;

    mutable std::mutex mutex_; ///< for all below
    std::condition_variable wake_;
    std::condition_variable idle_;
    std::deque<write_job> queue_;
    std::size_t queued_bytes_ = 0;
    bool is_busy_ = false;
    bool is_stopping_ = false;
    bool is_tidying_ = false; ///< there may be something to forget
    std::optional<std::string> damage_;
    std::optional<history_settings> new_settings_;
    std::string aside_;   ///< what became of a damaged file
    std::string trouble_; ///< why nothing can be written now, or empty
    std::uint64_t unstored_ = 0;
    finwait::finding_counts findings_;

    std::thread thread_;
};

} // namespace finwait::daemon
