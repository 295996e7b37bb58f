#include "agent/pidfd/stat.hpp"

#include "agent/base/file.hpp"
#include "agent/pidfd/problem.hpp"

#include <charconv>
#include <unistd.h>

namespace knell::procfd {
namespace {

template <typename Number>
bool take_number(std::string_view& rest, Number& value) {
    const std::size_t start = rest.find_first_not_of(' ');
    if (start == std::string_view::npos) {
        return false;
    }
    rest.remove_prefix(start);
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    return error == std::errc{};
}

bool skip_fields(std::string_view& rest, int count) {
    long long ignored = 0;
    for (int i = 0; i < count; ++i) {
        unsigned long long unsigned_ignored = 0;
        // Some fields are unsigned and exceed a signed 64-bit number (rsslim).
        std::string_view attempt = rest;
        if (take_number(attempt, ignored)) {
            rest = attempt;
        } else if (!take_number(rest, unsigned_ignored)) {
            return false;
        }
    }
    return true;
}

} // namespace

Result<Stat> parse_stat(std::string_view text) {
    Stat stat;
    const std::size_t comm_start = text.find('(');
    const std::size_t comm_end = text.rfind(')');
    if (comm_start == std::string_view::npos || comm_end == std::string_view::npos || comm_end < comm_start ||
        comm_end + 2 >= text.size()) {
        return system_failure("parsing /proc/PID/stat: no \"(comm) state\"", EPROTO);
    }
    stat.comm = text.substr(comm_start + 1, comm_end - comm_start - 1);
    stat.state = text[comm_end + 2];
    std::string_view rest = text.substr(comm_end + 3);
    // Fields by their numbers in proc_pid_stat(5): 4 ppid, 9 flags, 22 starttime, 23 vsize, 24 rss, 52 exit_code.
    if (!take_number(rest, stat.ppid) || !skip_fields(rest, 4) || !take_number(rest, stat.flags) ||
        !skip_fields(rest, 12) || !take_number(rest, stat.start_ticks) || !take_number(rest, stat.virtual_bytes) ||
        !take_number(rest, stat.resident_pages) || !skip_fields(rest, 27) || !take_number(rest, stat.exit_status)) {
        return system_failure("parsing /proc/PID/stat: a field is missing", EPROTO);
    }
    return stat;
}

Result<Stat> read_stat(const Fd& directory) {
    auto text = read_small_file(directory.get(), "stat", 4096);
    if (!text && text.error().errno_value == ENOENT) {
        // Every process has this file. The kernel looks for the process twice on the way to it, and the reap can come
        // in between (fs/proc/base.c: proc_pid_permission answers ESRCH, proc_pident_lookup ENOENT).
        return problem(Problem::gone, "reading the stat file of a process", "it was reaped");
    }
    if (!text) {
        return std::unexpected(std::move(text.error()));
    }
    return parse_stat(*text);
}

Result<int> read_exit_status(const Fd& directory) {
    // Who may not trace the process is shown 0 (fs/proc/array.c, do_task_stat), which is also the status of success.
    // The link "exe" is guarded by the same check (proc_fd_access_allowed) and of a zombie it leads nowhere: EACCES for
    // the others, ENOENT for those who may. It is asked first: then the stat proves that it was not the reap that
    // answered.
    char target = 0;
    const bool refused = ::readlinkat(directory.get(), "exe", &target, 1) < 0 && errno == EACCES;
    auto stat = read_stat(directory);
    if (!stat) {
        return std::unexpected(std::move(stat.error()));
    }
    if (!stat->zombie()) {
        return system_failure("reading the wait status of a process", EAGAIN, "it is not dead");
    }
    if (refused) {
        return system_failure("reading the wait status of a zombie", EACCES,
                              "it is another user's and CAP_SYS_PTRACE is missing");
    }
    return stat->exit_status;
}

} // namespace knell::procfd
