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
    // Daemons by name.
    {"runtime_shim_cut_to_15", from("containerd-shim"), kHostVictimInContainer, container_runtime},
    {"runtime_runc", from("runc"), kHostVictimInContainer, container_runtime},
    {"runtime_crun", from("crun"), kHostVictimInContainer, container_runtime},
    {"runtime_conmon", from("conmon"), kHostVictimInContainer, container_runtime},
    {"runtime_kubelet", from("kubelet"), kHost, container_runtime},
    {"runtime_dockerd", from("dockerd"), kHostVictimInContainer, container_runtime},
    {"oom_daemon_systemd_oomd", from("systemd-oomd"), kHost, oom_daemon},
    {"oom_daemon_oomd", from("oomd"), kHostVictimInContainer, oom_daemon},
    {"oom_daemon_earlyoom", from("earlyoom"), kHost, oom_daemon},
    // Daemons by unit: they run as users of their own.
    {"unit_systemd_oomd", from("systemd-oomd", 998), in_unit("systemd-oomd.service"), oom_daemon},
    {"unit_earlyoom", from("earlyoom", 61'234), in_unit("earlyoom.service"), oom_daemon},
    {"unit_k3s", from("k3s-server"), in_unit("k3s.service"), container_runtime},
    {"unit_crio", from("crio"), in_unit("crio.service"), container_runtime},
    // Forgeries and near misses.
    {"runtime_name_in_container", from("containerd-shim"), kOtherContainer, other_container},
    {"runtime_name_in_same_container", from("runc"), kSameContainer, same_container},
    {"oom_daemon_name_in_container", from("earlyoom"), kSameContainer, same_container},
    {"runtime_name_without_root", from("kubelet", 1000), kHost, host},
    {"runtime_name_place_unknown", from("kubelet"), kNowhere, unknown},
    {"runtime_name_as_prefix", from("runc2"), kHost, host},
    {"runtime_name_cut_short", from("containerd-shi"), kHost, host},
    {"unit_of_another_service", from("nginx", 33), in_unit("nginx.service"), host},
    {"unit_claimed_in_container",
     from("earlyoom", 998),
     {.known = true, .in_container = true, .unit = "earlyoom.service"},
     other_container},
    {"unit_of_unresolved_place", from("earlyoom", 998), {.known = false, .unit = "earlyoom.service"}, unknown},
    {"empty_comm", from(""), kHost, host},
    // Precedence.
    {"self_beats_runtime", from("runc", 0, KNELL_SENDER_SELF), kHost, self},
    {"runtime_beats_parent", from("containerd-shim", 0, kParent), kHostVictimInContainer, container_runtime},
    {"oom_daemon_beats_parent", from("earlyoom", 0, kParent), kHost, oom_daemon},
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
    EXPECT_EQ(verdict.killer->blame, blamed);
    EXPECT_EQ(verdict.killer->comm, blamed ? row.origin.comm : "");
    EXPECT_EQ(verdict.killer->uid, blamed ? row.origin.uid : 0);
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
