#include "tests/unit/cause/facts_builder.hpp"

#include <gtest/gtest.h>

#include <string>

namespace knell::test {
namespace {

using enum KillerClass;

constexpr unsigned kParent = KNELL_SENDER_PARENT;
constexpr SenderPlace kNowhere = {};
constexpr SenderPlace kHost = {.known = true};
constexpr SenderPlace kHostVictimInContainer = {.known = true, .victim_in_container = true};
constexpr SenderPlace kSameContainer = {
    .known = true, .same_place_as_victim = true, .in_container = true, .victim_in_container = true};
constexpr SenderPlace kOtherContainer = {.known = true, .in_container = true, .victim_in_container = true};
constexpr SenderPlace kContainerVictimOnHost = {.known = true, .in_container = true};
constexpr SenderPlace kSameUnit = {.known = true, .same_place_as_victim = true, .unit = "nginx.service"};

constexpr SenderPlace in_unit(std::string_view unit) {
    return {.known = true, .unit = unit};
}

struct Case {
    const char* name;
    Origin origin;
    SenderPlace place;
    KillerClass kind;
};

void PrintTo(const Case& row, std::ostream* out) {
    *out << row.name;
}

constexpr Origin from(std::string_view comm, std::uint32_t uid = 0, unsigned flags = 0, std::uint32_t pid = kSender) {
    return {.flags = flags, .pid = pid, .uid = uid, .comm = comm};
}

// A process that runs the program `exe` and calls itself something else.
constexpr Origin running(std::string_view exe, std::uint32_t uid = 0, unsigned flags = 0) {
    return {.flags = flags, .uid = uid, .comm = "exitmon", .exe = exe};
}

const Case kCases[] = {
    // Place.
    {"same_container", from("sh", 1000), kSameContainer, same_container},
    {"other_container", from("sh", 1000), kOtherContainer, other_container},
    {"container_kills_host_process", from("sh"), kContainerVictimOnHost, other_container},
    {"host_kills_container_process", from("bash", 1000), kHostVictimInContainer, host},
    {"host_kills_host_process", from("bash", 1000), kHost, host},
    {"same_unit_is_no_container", from("nginx", 33), kSameUnit, host},
    {"same_unit_sender_in_container",
     from("sh"),
     {.known = true, .same_place_as_victim = true, .in_container = true},
     other_container},
    {"place_unknown", from("bash", 1000), kNowhere, unknown},
    // Daemons by executable.
    {"runtime_shim_v2", running("containerd-shim-runc-v2"), kHostVictimInContainer, container_runtime},
    {"runtime_shim_v1", running("containerd-shim-runc-v1"), kHostVictimInContainer, container_runtime},
    {"runtime_containerd", running("containerd"), kHostVictimInContainer, container_runtime},
    {"runtime_runc", running("runc"), kHostVictimInContainer, container_runtime},
    {"runtime_crun", running("crun"), kHostVictimInContainer, container_runtime},
    {"runtime_conmon", running("conmon"), kHostVictimInContainer, container_runtime},
    {"runtime_kubelet", running("kubelet"), kHost, container_runtime},
    {"runtime_dockerd", running("dockerd"), kHostVictimInContainer, container_runtime},
    {"runtime_k3s", running("k3s"), kHostVictimInContainer, container_runtime},
    {"runtime_crio", running("crio"), kHostVictimInContainer, container_runtime},
    {"oom_daemon_systemd_oomd", running("systemd-oomd"), kHost, oom_daemon},
    {"oom_daemon_oomd", running("oomd"), kHostVictimInContainer, oom_daemon},
    {"oom_daemon_earlyoom", running("earlyoom"), kHost, oom_daemon},
    // Daemons by unit: they run as users of their own.
    {"unit_systemd_oomd", from("systemd-oomd", 998), in_unit("systemd-oomd.service"), oom_daemon},
    {"unit_earlyoom", from("earlyoom", 61'234), in_unit("earlyoom.service"), oom_daemon},
    {"unit_k3s", from("k3s-server"), in_unit("k3s.service"), container_runtime},
    {"unit_crio", from("crio"), in_unit("crio.service"), container_runtime},
    // Forgeries and near misses.
    {"comm_kubelet_of_another_program", {.comm = "kubelet", .exe = "bash"}, kHost, host},
    {"comm_kubelet_of_an_unknown_program", from("kubelet"), kHost, host},
    {"comm_earlyoom_of_another_program", {.comm = "earlyoom", .exe = "perl"}, kHost, host},
    {"runtime_exe_in_container", running("containerd-shim-runc-v2"), kOtherContainer, other_container},
    {"runtime_exe_in_same_container", running("runc"), kSameContainer, same_container},
    {"oom_daemon_exe_in_container", running("earlyoom"), kSameContainer, same_container},
    {"runtime_exe_without_root", running("kubelet", 1000), kHost, host},
    {"runtime_exe_place_unknown", running("kubelet"), kNowhere, unknown},
    {"runtime_exe_as_prefix", running("runc2"), kHost, host},
    {"runtime_exe_cut_short", running("containerd-shim-runc"), kHost, host},
    {"runtime_exe_fills_its_field", running("containerd-shim-runc-v2x"), kHost, host},
    {"unit_of_another_service", from("nginx", 33), in_unit("nginx.service"), host},
    {"unit_claimed_in_container",
     from("earlyoom", 998),
     {.known = true, .in_container = true, .unit = "earlyoom.service"},
     other_container},
    {"unit_of_unresolved_place", from("earlyoom", 998), {.known = false, .unit = "earlyoom.service"}, unknown},
    {"empty_comm", from(""), kHost, host},
    // Precedence.
    {"self_beats_runtime", running("runc", 0, KNELL_SENDER_SELF), kHost, self},
    {"runtime_beats_parent", running("containerd-shim-runc-v2", 0, kParent), kHostVictimInContainer, container_runtime},
    {"oom_daemon_beats_parent", running("earlyoom", 0, kParent), kHost, oom_daemon},
    {"host_init", from("systemd", 0, 0, 1), kHost, init},
    {"host_init_beats_parent", from("systemd", 0, kParent, 1), kHost, init},
    {"host_init_place_unknown", from("systemd", 0, kParent, 1), kNowhere, init},
    {"init_of_a_container_is_a_parent", from("tini", 0, kParent | KNELL_SENDER_INIT), kSameContainer, parent},
    {"init_of_a_container_not_kin", from("tini", 0, KNELL_SENDER_INIT), kSameContainer, same_container},
    {"parent_beats_same_container", from("sh", 1000, kParent), kSameContainer, parent},
    {"parent_beats_host", from("bash", 1000, kParent), kHost, parent},
    {"parent_beats_child", from("sh", 0, kParent | KNELL_SENDER_CHILD), kHost, parent},
    {"child_beats_same_container", from("sh", 1000, KNELL_SENDER_CHILD), kSameContainer, child},
    {"child_place_unknown", from("sh", 1000, KNELL_SENDER_CHILD), kNowhere, child},
    {"kernel_thread_beats_all", from("kworker/0:1", 0, KNELL_SENDER_KTHREAD), kHost, kernel},
};

class FindKiller : public testing::TestWithParam<Case> {};

TEST_P(FindKiller, Classifies) {
    const Case& row = GetParam();
    const Verdict verdict = explain(killed(SIGKILL, row.origin), row.place);
    ASSERT_TRUE(verdict.killer.has_value());
    EXPECT_EQ(name(verdict.killer->kind), name(row.kind));
    const bool blamed = row.kind != kernel;
    EXPECT_EQ(verdict.killer->comm, blamed ? row.origin.comm : "");
    EXPECT_EQ(verdict.killer->exe, blamed ? row.origin.exe : "");
    EXPECT_EQ(verdict.killer->uid, blamed ? std::optional(row.origin.uid) : std::nullopt);
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Places, FindKiller, testing::ValuesIn(kCases), case_name);

TEST(FindKillerComm, FullFieldWithoutTerminatorIsBounded) {
    knell_signal signal = make_signal(SIGKILL, {.comm = "0123456789abcdef"});
    EXPECT_EQ(find_killer(Reason::signal, &signal, kHost).comm, "0123456789abcdef");
}

TEST(FindKillerComm, HostileBytesPassUnchanged) {
    const std::string_view hostile = "\x1b[2J\xff\n\"%s{}";
    knell_signal signal = make_signal(SIGKILL, {.comm = hostile});
    EXPECT_EQ(find_killer(Reason::signal, &signal, kHost).comm, hostile);
}

TEST(FindKillerExe, FullFieldWithoutTerminatorIsBounded) {
    knell_signal signal = make_signal(SIGKILL, {.exe = "0123456789abcdefghijklmn"});
    EXPECT_EQ(find_killer(Reason::signal, &signal, kHost).exe, "0123456789abcdefghijklmn");
}

TEST(FindKillerReason, ATracerIsKnownByItsPlace) {
    const Origin dying = by_priv(false, KNELL_SENDER_EXITING);
    EXPECT_EQ(name(explain(killed(SIGKILL, dying), kHost).killer->kind), "host");
    EXPECT_EQ(name(explain(killed(SIGKILL, dying), kSameContainer).killer->kind), "same_container");
}

TEST(FindKillerReason, CgroupKillBlamesTheWriterByPlace) {
    const Origin writer = {.siginfo = KNELL_SIGINFO_NOINFO, .group = false, .uid = 998, .comm = "systemd-oomd"};
    const Verdict verdict = explain(killed(SIGKILL, writer), in_unit("systemd-oomd.service"));
    EXPECT_EQ(name(verdict.reason), "cgroup_kill");
    EXPECT_EQ(name(verdict.killer->kind), "oom_daemon");
    EXPECT_EQ(verdict.killer->pid, kSender);
}

TEST(FindKillerReason, ParentDeathIsTheParentsWhereverItLived) {
    const Origin dying = {.siginfo = KNELL_SIGINFO_NOINFO, .flags = KNELL_SENDER_EXITING, .comm = "runc"};
    EXPECT_EQ(name(explain(killed(SIGKILL, dying), kHost).killer->kind), "parent");
    EXPECT_EQ(name(explain(killed(SIGKILL, dying), kOtherContainer).killer->kind), "parent");
}

} // namespace
} // namespace knell::test
