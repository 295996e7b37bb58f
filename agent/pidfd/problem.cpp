#include "agent/pidfd/problem.hpp"

#include <array>

namespace knell {
namespace {

struct Row {
    Problem problem;
    int errno_value;
    std::string_view name;
    std::string_view meaning;
};

constexpr std::array kRows{
    Row{Problem::gone, ESRCH, "gone", "the process is gone: it was reaped, or there never was one"},
    Row{Problem::recycled, ESTALE, "recycled", "the process is gone and its number belongs to another one now"},
    Row{Problem::hidden, EACCES, "hidden",
        "the process lives; this /proc is mounted with hidepid and CAP_SYS_PTRACE is missing"},
    Row{Problem::foreign_namespace, EREMOTE, "foreign_namespace", "the process has no number in that pid namespace"},
    Row{Problem::no_permission, EPERM, "no_permission", "it takes the same user, or CAP_SYS_PTRACE and CAP_KILL"},
    Row{Problem::no_procfs, ENODEV, "no_procfs", "no procfs is there: mount one, or use a private one"},
    Row{Problem::not_a_pidfd, EBADF, "not_a_pidfd", "the descriptor is not a pidfd"},
    Row{Problem::kernel_too_old, ENOSYS, "kernel_too_old", "this kernel is too old, and there is no other way"},
};

} // namespace

std::string_view name_of(Problem problem) {
    for (const Row& row : kRows) {
        if (row.problem == problem) {
            return row.name;
        }
    }
    return "other";
}

Problem problem_of(const Error& error) {
    for (const Row& row : kRows) {
        if (row.errno_value == error.errno_value) {
            return row.problem;
        }
    }
    return Problem::other;
}

Failure problem(Problem problem, const std::string& tried, const std::string& hint) {
    for (const Row& row : kRows) {
        if (row.problem == problem) {
            return Failure(Error{tried + ": " + (hint.empty() ? std::string(row.meaning) : hint), row.errno_value});
        }
    }
    return Failure(Error{tried + ": " + hint, 0});
}

} // namespace knell
