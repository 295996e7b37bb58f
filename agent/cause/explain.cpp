#include "agent/cause/explain.hpp"

#include "agent/cause/signature.hpp"

#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>

namespace knell {
namespace {

// si_code of a SIGSYS that a filter sent (SYS_SECCOMP in include/uapi/asm-generic/siginfo.h): glibc has no name for it,
// and the kernel's header cannot be included beside glibc's.
constexpr int kSysSeccomp = 1;

// A death, taken apart once for all predicates.
struct Death {
    bool status_known = false;
    int signal = 0; // 0 = normal exit
    int exit_code = 0;
    bool core_dumped = false;
    std::uint32_t flags = 0;             // enum knell_exit_flag
    const knell_signal* fatal = nullptr; // see fatal_signal()
};

Death take_apart(const ExitFacts& facts) {
    Death death;
    death.flags = facts.exit_flags;
    death.fatal = fatal_signal(facts);
    if (facts.status) {
        death.status_known = true;
        death.signal = WTERMSIG(*facts.status);
        death.exit_code = WEXITSTATUS(*facts.status);
        death.core_dumped = WCOREDUMP(*facts.status);
    }
    return death;
}

bool handed_over_as(const Death& death, knell_siginfo siginfo) {
    return death.fatal != nullptr && death.fatal->siginfo == siginfo;
}

bool sender_is(const Death& death, knell_sender_flag flag) {
    return death.fatal != nullptr && has_sender_flag(*death.fatal, flag);
}

// Where the OOM killer's signal cannot be told from others, its mark must do: __oom_kill_process() sends SIGKILL with
// SEND_SIG_PRIV, then mark_oom_victim(). The mark alone is no OOM death: a process that is already dying is marked to
// give it access to reserves, and then ends as it would have. Nor does a dying process look for victims, it is marked
// itself (out_of_memory(), task_will_free_mem()): what comes from one is a namespace's teardown, or a tracer's end.
bool is_marked_by_oom_killer(const Death& death) {
    return (death.flags & KNELL_EXIT_OOM_VICTIM) != 0 &&
           (death.fatal == nullptr ||
            (handed_over_as(death, KNELL_SIGINFO_PRIV) && !sender_is(death, KNELL_SENDER_EXITING)));
}

// The signal knows better than the mark, which processes that share the victim's memory do not get.
bool is_oom_kill(const Death& death) {
    return death.signal == SIGKILL && ((death.fatal != nullptr && has_signal_flag(*death.fatal, KNELL_SIGNAL_OOM)) ||
                                       is_marked_by_oom_killer(death));
}

// force_sig_seccomp(): SIGSYS with SYS_SECCOMP from the thread itself, for KILL_PROCESS, for TRAP without a handler,
// and for KILL_THREAD of the only thread. Strict mode is not here: it ends the thread with SIGKILL and sends nothing.
bool is_seccomp(const Death& death) {
    return death.signal == SIGSYS && handed_over_as(death, KNELL_SIGINFO_VALUE) &&
           sender_is(death, KNELL_SENDER_SELF) && death.fatal->si_code == kSysSeccomp;
}

// zap_pid_ns_processes(): SIGKILL with SEND_SIG_PRIV to each process, in the context of the namespace's dying init.
// What a dying tracer sends is also PRIV, but to a thread: see is_tracers_exit_kill().
bool is_pidns_teardown(const Death& death) {
    return death.signal == SIGKILL && handed_over_as(death, KNELL_SIGINFO_PRIV) && death.fatal->group == 1 &&
           sender_is(death, KNELL_SENDER_EXITING) && sender_is(death, KNELL_SENDER_INIT);
}

// __cgroup_kill(): send_sig(SIGKILL, task, 0), which is SEND_SIG_NOINFO to a thread, by the writer of cgroup.kill.
// PTRACE_KILL (deprecated, since 5.19) looks the same; the killer is right then too.
bool is_cgroup_kill(const Death& death) {
    return death.signal == SIGKILL && handed_over_as(death, KNELL_SIGINFO_NOINFO) && death.fatal->group == 0 &&
           !sender_is(death, KNELL_SENDER_KTHREAD);
}

// forget_original_parent(): the child's PR_SET_PDEATHSIG with SEND_SIG_NOINFO to the process, by the parent's dying
// thread. The parent flag says nothing: the child has its new parent by then, which is a sibling of the dying thread
// if there is one.
bool is_parent_death(const Death& death) {
    return death.signal != 0 && handed_over_as(death, KNELL_SIGINFO_NOINFO) && death.fatal->group == 1 &&
           sender_is(death, KNELL_SENDER_EXITING) && !sender_is(death, KNELL_SENDER_SELF);
}

// A core signal that the process brought on itself: a fault (si_code > 0), or abort(), raise(), kill() of itself.
// Limits are not here, they are no bug of the code: SIGXCPU is sent PRIV (check_process_timers()), SIGXFSZ NOINFO
// (generic_write_check_limits()).
bool is_crash(const Death& death) {
    return is_core_signal(death.signal) && handed_over_as(death, KNELL_SIGINFO_VALUE) &&
           sender_is(death, KNELL_SENDER_SELF) && !is_from_kernel(*death.fatal);
}

bool is_signal(const Death& death) {
    return death.signal != 0;
}

bool is_error(const Death& death) {
    return death.status_known && death.exit_code != 0;
}

bool is_success(const Death& death) {
    return death.status_known && death.exit_code == 0;
}

bool is_anything(const Death&) {
    return true;
}

struct Row {
    Reason reason;
    bool (*matches)(const Death&);
};

// First match wins.
constexpr std::array<Row, kReasonCount> kRows = {{
    {Reason::oom_kill, is_oom_kill},
    {Reason::seccomp, is_seccomp}, // before crash: SIGSYS is a core signal and comes from the process itself
    {Reason::pidns_teardown, is_pidns_teardown},
    {Reason::cgroup_kill, is_cgroup_kill},
    {Reason::parent_death, is_parent_death},
    {Reason::crash, is_crash},
    {Reason::signal, is_signal},
    {Reason::error, is_error},
    {Reason::success, is_success},
    {Reason::unknown, is_anything},
}};

constexpr bool in_order_of_precedence() {
    for (std::size_t i = 0; i < kRows.size(); ++i) {
        if (kRows[i].reason != static_cast<Reason>(i)) {
            return false;
        }
    }
    return true;
}
static_assert(in_order_of_precedence(), "enum Reason promises the order of this table");

Reason find_reason(const Death& death) {
    for (const Row& row : kRows) {
        if (row.matches(death)) {
            return row.reason;
        }
    }
    return Reason::unknown;
}

// Only the signal knows.
OomScope oom_scope(const Death& death) {
    const auto told = [&death](knell_signal_flag scope) {
        return death.fatal != nullptr && has_signal_flag(*death.fatal, scope);
    };
    if (told(KNELL_SIGNAL_OOM_MEMCG)) {
        return OomScope::memcg;
    }
    return told(KNELL_SIGNAL_OOM_SYSTEM) ? OomScope::system : OomScope::unknown;
}

} // namespace

const knell_signal* fatal_signal(const ExitFacts& facts) {
    if (!facts.status || !facts.signals_observed || facts.fatal.time_ns == 0) {
        return nullptr;
    }
    const int signal = WTERMSIG(*facts.status);
    return signal != 0 && facts.fatal.number == signal ? &facts.fatal : nullptr;
}

Verdict explain(const ExitFacts& facts, const SenderPlace& place) {
    const Death death = take_apart(facts);
    Verdict verdict;
    verdict.reason = find_reason(death);
    verdict.signal = death.signal;
    if (death.status_known && death.signal == 0) {
        verdict.exit_code = death.exit_code;
    }
    if (death.signal != 0) {
        verdict.core_dumped = death.core_dumped;
        verdict.killer = find_killer(verdict.reason, death.fatal, place);
    }
    if (verdict.reason == Reason::oom_kill) {
        verdict.oom_scope = oom_scope(death);
    }
    if (death.status_known && death.signal != facts.stop_signal) {
        verdict.preceded_by = facts.stop_signal;
    }
    return verdict;
}

} // namespace knell
