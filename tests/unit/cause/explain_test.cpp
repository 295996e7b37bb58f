#include "tests/unit/cause/facts_builder.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace knell::test {
namespace {

using enum Reason;

constexpr unsigned kSelf = KNELL_SENDER_SELF;
constexpr unsigned kParent = KNELL_SENDER_PARENT;
constexpr unsigned kChild = KNELL_SENDER_CHILD;
constexpr unsigned kExiting = KNELL_SENDER_EXITING;
constexpr unsigned kInit = KNELL_SENDER_INIT;
constexpr unsigned kKthread = KNELL_SENDER_KTHREAD;

constexpr unsigned kMarked = KNELL_EXIT_OOM_VICTIM;
constexpr unsigned kMemcg = KNELL_SIGNAL_OOM_MEMCG;
constexpr unsigned kSystem = KNELL_SIGNAL_OOM_SYSTEM;

constexpr int kSiKernel = 0x80; // SI_KERNEL
constexpr int kSysSeccomp = 1;
constexpr int kSysUserDispatch = 2;

struct Case {
    const char* name;
    ExitFacts facts;
    Reason reason;
    std::optional<KillerClass> killer = std::nullopt;
    bool blame = false;
};

void PrintTo(const Case& row, std::ostream* out) {
    *out << row.name;
}

ExitFacts forgotten_status(ExitFacts facts) {
    facts.status.reset();
    return facts;
}

// Each row is one way to die as the tracepoints showed it on Linux 6.18.
std::vector<Case> traces() {
    using enum KillerClass;
    return {
        {"exit_42", exited(42), error},
        {"exit_0", exited(0), success},
        {"sys_exit_single_thread", exited(6), error},
        {"sigkill_by_parent", killed(SIGKILL, by_kill(kParent)), signal, parent, true},
        {"sigterm_by_parent", killed(SIGTERM, by_kill(kParent)), signal, parent, true},
        {"raise_sigusr1", killed(SIGUSR1, by_tgkill(kSelf)), signal, self, true},
        {"abort_without_core", killed(SIGABRT, by_tgkill(kSelf)), crash, self, true},
        {"segv_with_core", killed(SIGSEGV | kCore, by_fault(1)), crash, self, true},
        {"seccomp_kill_process", killed(SIGSYS, by_fault(kSysSeccomp)), seccomp, KillerClass::kernel},
        {"seccomp_kill_thread_single", killed(SIGSYS, by_fault(kSysSeccomp)), seccomp, KillerClass::kernel},
        {"subthread_exit_group_77", exited(77), error},
        {"leader_first_5_then_9", exited(9), error},
        {"subthread_exec_then_0", exited(0), success},
        {"subthread_segv", killed(SIGSEGV, by_fault(1)), crash, self, true},
        {"pdeathsig_sigkill", killed(SIGKILL, by_noinfo(true, kExiting)), parent_death, parent, true},
        {"pidns_init_dies", killed(SIGKILL, by_priv(true, kExiting | kInit | kParent)), pidns_teardown,
         KillerClass::kernel, true},
        {"sigpipe", killed(SIGPIPE, by_noinfo(false, kSelf)), signal, self, true},
        {"cgroup_kill_by_parent", killed(SIGKILL, by_noinfo(false, kParent)), cgroup_kill, parent, true},
        {"memcg_oom_allocating_itself", killed(SIGKILL, by_priv(true, kSelf), kMarked), oom_kill, KillerClass::kernel},
        {"autoreaped_exit_42", exited(42), error},
    };
}

// Signatures that follow from the kernel's source (kernel/signal.c and the senders that explain.cpp names).
std::vector<Case> signatures() {
    using enum KillerClass;
    return {
        {"sigqueue_by_parent", killed(SIGUSR2, by_sigqueue(kParent)), signal, parent, true},
        {"tgkill_by_child", killed(SIGINT, by_tgkill(kChild)), signal, child, true},
        {"kill_by_stranger_place_unknown", killed(SIGKILL, by_kill()), signal, KillerClass::unknown, true},
        {"sigabrt_by_kill_of_itself", killed(SIGABRT, by_kill(kSelf)), crash, self, true},
        {"sigquit_raised", killed(SIGQUIT | kCore, by_tgkill(kSelf)), crash, self, true},
        {"sigabrt_by_sigqueue_of_itself", killed(SIGABRT, by_sigqueue(kSelf)), crash, self, true},
        {"bus_error", killed(SIGBUS | kCore, by_fault(2)), crash, self, true},
        {"division_by_zero", killed(SIGFPE, by_fault(1)), crash, self, true},
        {"illegal_instruction", killed(SIGILL, by_fault(2)), crash, self, true},
        {"breakpoint", killed(SIGTRAP, by_fault(kSiKernel)), crash, self, true},
        {"non_canonical_address", killed(SIGSEGV, by_fault(kSiKernel)), crash, self, true},
        {"syscall_user_dispatch", killed(SIGSYS, by_fault(kSysUserDispatch)), crash, self, true},
        {"raise_sigsys", killed(SIGSYS, by_tgkill(kSelf)), crash, self, true},
        {"pdeathsig_sigterm", killed(SIGTERM, by_noinfo(true, kExiting)), parent_death, parent, true},
        {"pdeathsig_core_type", killed(SIGQUIT | kCore, by_noinfo(true, kExiting)), parent_death, parent, true},
        {"pdeathsig_of_a_parent_thread", killed(SIGKILL, by_noinfo(true, kExiting | kParent)), parent_death, parent,
         true},
        {"cgroup_kill_by_itself", killed(SIGKILL, by_noinfo(false, kSelf)), cgroup_kill, self, true},
        {"cgroup_kill_by_stranger", killed(SIGKILL, by_noinfo(false)), cgroup_kill, KillerClass::unknown, true},
        {"memcg_oom_by_other_allocator", killed(SIGKILL, by_priv(true), kMarked), oom_kill, KillerClass::kernel},
        {"oom_scope_not_known", killed(SIGKILL, by_priv(true), kMarked), oom_kill, KillerClass::kernel},
        {"oom_by_kworker_sysrq", killed(SIGKILL, by_priv(true, kKthread), kMarked), oom_kill, KillerClass::kernel},
        {"oom_signal_and_mark", killed(SIGKILL, by_oom_killer(kMemcg, kSelf), kMarked), oom_kill, KillerClass::kernel},
        {"oom_signal_without_mark_shares_the_memory", killed(SIGKILL, by_oom_killer(kMemcg)), oom_kill,
         KillerClass::kernel},
        {"oom_signal_of_a_bystander", killed(SIGKILL, by_oom_killer(kSystem, kParent)), oom_kill, KillerClass::kernel},
        {"oom_signal_by_kworker_sysrq", killed(SIGKILL, by_oom_killer(0, kKthread)), oom_kill, KillerClass::kernel},
        {"oom_signal_beats_pidns", killed(SIGKILL, by_oom_killer(0, kExiting | kInit)), oom_kill, KillerClass::kernel},
        {"alarm", killed(SIGALRM, by_priv(true)), signal, KillerClass::kernel},
        {"cpu_limit", killed(SIGXCPU | kCore, by_priv(true, kSelf)), signal, KillerClass::kernel},
        {"ptrace_exitkill", killed(SIGKILL, by_priv(false, kExiting)), signal, KillerClass::unknown, true},
        {"ptrace_exitkill_by_its_parent", killed(SIGKILL, by_priv(false, kExiting | kParent)), signal, parent, true},
        {"ptrace_exitkill_by_a_namespace_init", killed(SIGKILL, by_priv(false, kExiting | kInit | kParent)), signal,
         parent, true},
        {"cpu_hard_limit", killed(SIGKILL, by_priv(true, kSelf)), signal, KillerClass::kernel},
        {"file_size_limit", killed(SIGXFSZ, by_noinfo(false, kSelf)), signal, self, true},
        {"terminal_ctrl_c", killed(SIGINT, by_priv(true, kKthread)), signal, KillerClass::kernel},
        {"terminal_ctrl_backslash", killed(SIGQUIT | kCore, by_priv(true, kKthread)), signal, KillerClass::kernel},
        {"session_leader_gone_sighup", killed(SIGHUP, by_priv(true, kExiting | kParent)), signal, KillerClass::kernel},
        {"posix_timer_over_bystander", killed(SIGUSR1, Origin{.si_code = SI_TIMER}), signal, KillerClass::kernel},
        {"posix_timer_over_itself", killed(SIGABRT, Origin{.si_code = SI_TIMER, .flags = kSelf}), signal,
         KillerClass::kernel},
        {"usb_request_over_bystander", killed(SIGUSR1, Origin{.si_code = SI_ASYNCIO}), signal, KillerClass::kernel},
        {"sigio_over_bystander", killed(SIGIO, Origin{.si_code = 1, .group = false}), signal, KillerClass::kernel},
        {"sigio_over_itself", killed(SIGIO, by_fault(1)), signal, KillerClass::kernel},
        {"memory_failure_by_kworker", killed(SIGBUS, Origin{.si_code = 5, .group = false, .flags = kKthread}), signal,
         KillerClass::kernel},
        {"memory_failure_over_bystander", killed(SIGBUS, Origin{.si_code = 5, .group = false}), signal,
         KillerClass::kernel},
        {"forced_sigkill_itself", killed(SIGKILL, by_fault(kSiKernel)), signal, KillerClass::kernel},
        {"kernel_thread_kill", killed(SIGTERM, by_kill(kKthread)), signal, KillerClass::kernel},
        {"real_time_signal", killed(40, by_sigqueue(kParent)), signal, parent, true},
    };
}

// One fact away from a signature: the reason must not be that one.
std::vector<Case> neighbours() {
    using enum KillerClass;
    return {
        {"record_of_another_signal", with_signal(killed(SIGKILL), SIGTERM, by_kill(kParent)), signal,
         KillerClass::unknown},
        {"record_of_another_core_signal", with_signal(killed(SIGSEGV), SIGABRT, by_tgkill(kSelf)), signal,
         KillerClass::unknown},
        {"record_of_a_survived_signal", with_signal(exited(0), SIGTERM, by_kill(kParent)), success},
        {"no_record_sigkill_strict_seccomp", killed(SIGKILL), signal, KillerClass::unknown},
        {"no_record_core_signal", killed(SIGSEGV | kCore), signal, KillerClass::unknown},
        {"no_record_sigsys", killed(SIGSYS), signal, KillerClass::unknown},
        {"signals_not_observed", unobserved(killed(SIGKILL, by_kill(kParent))), signal, KillerClass::unknown},
        {"signals_not_observed_exit_1", unobserved(exited(1)), error},
        {"signals_not_observed_oom", unobserved(killed(SIGKILL, kMarked)), oom_kill, KillerClass::kernel},
        {"oom_mark_without_record", killed(SIGKILL, kMarked), oom_kill, KillerClass::kernel},
        {"oom_mark_exit_0",
         with_signal(
             [] {
                 ExitFacts facts = exited(0);
                 facts.exit_flags = kMarked;
                 return facts;
             }(),
             SIGKILL, by_priv(true)),
         success},
        {"oom_mark_sigterm", killed(SIGTERM, by_kill(kParent), kMarked), signal, parent, true},
        {"oom_mark_segv", killed(SIGSEGV, by_fault(1), kMarked), crash, self, true},
        {"oom_mark_killed_by_person_first", killed(SIGKILL, by_kill(kParent), kMarked), signal, parent, true},
        {"oom_mark_cgroup_kill_first", killed(SIGKILL, by_noinfo(false), kMarked), cgroup_kill, KillerClass::unknown,
         true},
        {"priv_kill_without_any_mark", killed(SIGKILL, by_priv(true)), signal, KillerClass::kernel},
        {"oom_mark_pidns_teardown_first", killed(SIGKILL, by_priv(true, kExiting | kInit), kMarked), pidns_teardown,
         KillerClass::kernel, true},
        {"oom_mark_ptrace_exitkill_first", killed(SIGKILL, by_priv(false, kExiting | kParent), kMarked), signal, parent,
         true},
        {"oom_signal_survived_by_exit", with_signal(exited(0), SIGKILL, by_oom_killer()), success},
        {"oom_signal_died_of_another", with_signal(killed(SIGSEGV), SIGKILL, by_oom_killer()), signal,
         KillerClass::unknown},
        {"oom_signal_not_observed", unobserved(killed(SIGKILL, by_oom_killer())), signal, KillerClass::unknown},
        {"oom_scope_flags_without_oom", killed(SIGKILL, Origin{.signal_flags = kMemcg}), signal, KillerClass::unknown,
         true},
        {"priv_kill_by_living_init", killed(SIGKILL, by_priv(true, kInit)), signal, KillerClass::kernel},
        {"priv_kill_by_dying_other", killed(SIGKILL, by_priv(true, kExiting)), signal, KillerClass::kernel},
        {"priv_kill_of_a_thread_by_living", killed(SIGKILL, by_priv(false, kParent)), signal, KillerClass::kernel},
        {"priv_kill_of_a_thread_by_dying_kthread", killed(SIGKILL, by_priv(false, kExiting | kKthread)), signal,
         KillerClass::kernel},
        {"priv_sigterm_of_a_thread_by_dying", killed(SIGTERM, by_priv(false, kExiting)), signal, KillerClass::kernel},
        {"priv_sigterm_by_dying_init", killed(SIGTERM, by_priv(true, kExiting | kInit)), signal, KillerClass::kernel},
        {"kill_by_dying_init", killed(SIGKILL, by_kill(kExiting | kInit)), signal, KillerClass::unknown, true},
        {"noinfo_group_by_living_parent", killed(SIGKILL, by_noinfo(true, kParent)), signal, parent, true},
        {"noinfo_group_hangup_by_living", killed(SIGHUP, by_noinfo(true)), signal, KillerClass::unknown, true},
        {"noinfo_group_by_itself_dying", killed(SIGHUP, by_noinfo(true, kSelf | kExiting)), signal, self, true},
        {"kill_by_dying_parent", killed(SIGKILL, by_kill(kExiting | kParent)), signal, parent, true},
        {"noinfo_thread_sigterm", killed(SIGTERM, by_noinfo(false, kParent)), signal, parent, true},
        {"noinfo_thread_sigterm_by_dying", killed(SIGTERM, by_noinfo(false, kExiting)), signal, KillerClass::unknown,
         true},
        {"noinfo_thread_by_kthread", killed(SIGKILL, by_noinfo(false, kKthread)), signal, KillerClass::kernel},
        {"tgkill_sigkill", killed(SIGKILL, by_tgkill(kParent)), signal, parent, true},
        {"segv_sent_by_parent", killed(SIGSEGV | kCore, by_kill(kParent)), signal, parent, true},
        {"abort_sent_by_stranger", killed(SIGABRT, by_tgkill()), signal, KillerClass::unknown, true},
        {"sigsys_sent_by_parent", killed(SIGSYS, by_kill(kParent)), signal, parent, true},
        {"seccomp_code_on_other_signal", killed(SIGSEGV, by_fault(kSysSeccomp)), crash, self, true},
        {"sigkill_of_itself", killed(SIGKILL, by_kill(kSelf)), signal, self, true},
        {"status_unknown", forgotten_status(exited(0)), Reason::unknown},
        {"status_unknown_with_record", forgotten_status(killed(SIGKILL, by_kill(kParent))), Reason::unknown},
        {"status_unknown_oom_mark", forgotten_status(killed(SIGKILL, by_priv(true), kMarked)), Reason::unknown},
        {"exit_255", exited(255), error},
        {"exit_137_is_no_signal", exited(128 + SIGKILL), error},
    };
}

class Explain : public testing::TestWithParam<Case> {};

TEST_P(Explain, GivesReasonAndKiller) {
    const Case& row = GetParam();
    const Verdict verdict = explain(row.facts);
    EXPECT_EQ(name(verdict.reason), name(row.reason));
    ASSERT_EQ(verdict.killer.has_value(), row.killer.has_value());
    if (row.killer) {
        EXPECT_EQ(name(verdict.killer->kind), name(*row.killer));
        EXPECT_EQ(verdict.killer->pid, row.blame ? std::optional(row.facts.fatal.sender_pid) : std::nullopt);
        EXPECT_EQ(verdict.killer->comm, row.blame ? "exitmon" : "");
    }
}

TEST_P(Explain, TellsTheStatusApart) {
    const Case& row = GetParam();
    const Verdict verdict = explain(row.facts);
    const int status = row.facts.status.value_or(0);
    EXPECT_EQ(verdict.signal, status & 0x7f);
    EXPECT_EQ(verdict.core_dumped, (status & kCore) != 0);
    EXPECT_EQ(verdict.exit_code.has_value(), row.reason == error || row.reason == success);
    EXPECT_EQ(verdict.exit_code.value_or(status >> 8), status >> 8);
    EXPECT_EQ(verdict.oom_scope.has_value(), row.reason == oom_kill);
    EXPECT_EQ(verdict.preceded_by, 0);
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Traces, Explain, testing::ValuesIn(traces()), case_name);
INSTANTIATE_TEST_SUITE_P(Signatures, Explain, testing::ValuesIn(signatures()), case_name);
INSTANTIATE_TEST_SUITE_P(Neighbours, Explain, testing::ValuesIn(neighbours()), case_name);

TEST(ExplainOom, TheSignalNamesTheScope) {
    const struct {
        const char* what;
        ExitFacts facts;
        OomScope scope;
    } rows[] = {
        {"victim of a memory cgroup", killed(SIGKILL, by_oom_killer(kMemcg), kMarked), OomScope::memcg},
        {"victim of the machine", killed(SIGKILL, by_oom_killer(kSystem), kMarked), OomScope::system},
        {"shares the memory of a memory cgroup's victim", killed(SIGKILL, by_oom_killer(kMemcg)), OomScope::memcg},
        {"scope not known", killed(SIGKILL, by_oom_killer(), kMarked), OomScope::unknown},
        {"signal like the OOM killer's", killed(SIGKILL, by_priv(true), kMarked), OomScope::unknown},
        {"signal not seen", killed(SIGKILL, kMarked), OomScope::unknown},
    };
    for (const auto& row : rows) {
        const Verdict verdict = explain(row.facts);
        ASSERT_TRUE(verdict.oom_scope.has_value()) << row.what;
        EXPECT_EQ(name(*verdict.oom_scope), name(row.scope)) << row.what;
    }
}

TEST(ExplainStopRequest, IsToldUnlessItWasTheDeath) {
    const struct {
        const char* what;
        ExitFacts facts;
        Reason reason;
        int preceded_by;
    } rows[] = {
        {"graceful stop", asked_to_stop(exited(0)), success, SIGTERM},
        {"graceful stop with an error", asked_to_stop(exited(143)), error, SIGTERM},
        {"killed after the grace period", asked_to_stop(killed(SIGKILL, by_kill())), signal, SIGTERM},
        {"crashed while it stopped", asked_to_stop(killed(SIGSEGV, by_fault(1))), crash, SIGTERM},
        {"killed, nobody knows by whom", asked_to_stop(killed(SIGKILL)), signal, SIGTERM},
        {"died of the request itself", asked_to_stop(killed(SIGTERM, by_kill())), signal, 0},
        {"asked by another signal", asked_to_stop(exited(0), SIGQUIT), success, SIGQUIT},
        {"asked by one, died of another", asked_to_stop(killed(SIGTERM, by_kill()), SIGQUIT), signal, SIGQUIT},
        {"never asked", exited(0), success, 0},
        {"never asked, killed", killed(SIGKILL, by_kill()), signal, 0},
        {"end not known", asked_to_stop(forgotten_status(exited(0))), Reason::unknown, 0},
    };
    for (const auto& row : rows) {
        const Verdict verdict = explain(row.facts);
        EXPECT_EQ(name(verdict.reason), name(row.reason)) << row.what;
        EXPECT_EQ(verdict.preceded_by, row.preceded_by) << row.what;
    }
}

TEST(FatalSignal, CountsOnlyWhenTheStatusNamesIt) {
    const ExitFacts facts = killed(SIGTERM, by_kill());
    EXPECT_EQ(fatal_signal(facts), &facts.fatal);
    const ExitFacts other = with_signal(killed(SIGKILL), SIGTERM, by_kill());
    EXPECT_EQ(fatal_signal(other), nullptr);
    const ExitFacts exit = with_signal(exited(0), 0, by_kill());
    EXPECT_EQ(fatal_signal(exit), nullptr);
    const ExitFacts blind = unobserved(facts);
    EXPECT_EQ(fatal_signal(blind), nullptr);
    const ExitFacts lost = forgotten_status(facts);
    EXPECT_EQ(fatal_signal(lost), nullptr);
}

TEST(FatalSignal, WithoutATimeThereIsNone) {
    ExitFacts facts = killed(SIGTERM, by_kill());
    facts.fatal.time_ns = 0;
    EXPECT_EQ(fatal_signal(facts), nullptr);
}

} // namespace
} // namespace knell::test
