#include "agent/attribution/proc_cgroup.hpp"
#include "agent/base/file.hpp"
#include "tests/bpf/battery_rows.hpp"
#include "tests/bpf/bpf_test.hpp"
#include "tests/bpf/observer_under_test.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>

// Every way to die, with real processes against the real programs: each is told exactly once, and explained right.

namespace knell::test {
namespace {

// How a death reaches us: from the ring alone, or joined with what the pidfd tells, which either loop waits for.
struct Route {
    std::string name;
    BackendChoice backend;
    Nanoseconds min_age;
};

void PrintTo(const Route& route, std::ostream* out) {
    *out << route.name;
}

const std::array kRoutes = {
    Route{"unwatched", BackendChoice::automatic, 3600 * kSecond},
    Route{"io_uring", BackendChoice::io_uring, 0},
    Route{"epoll", BackendChoice::epoll, 0},
};

std::string own_cgroup() {
    const Result<std::string> text = read_small_file(AT_FDCWD, "/proc/self/cgroup", 64 << 10);
    return text ? path_from_proc_cgroup(*text).value_or("") : "";
}

std::string own_comm() {
    std::array<char, 16> comm{};
    ::prctl(PR_GET_NAME, comm.data()); // gtest runs on the main thread
    return comm.data();
}

std::string own_exe() {
    const std::string name = std::filesystem::read_symlink("/proc/self/exe").filename();
    return name.substr(0, KNELL_EXE_SIZE - 1);
}

// Whom the row blames, as the event should name it.
Sender blamed(const Row& row, const Victim& victim) {
    switch (row.blame) {
    case Blame::victim:
        return {.pid = victim.pid};
    case Blame::test:
        return {.pid = ::getpid(), .comm = own_comm(), .exe = own_exe()};
    case Blame::helper:
        return victim.helper;
    case Blame::nobody:
        break;
    }
    return {};
}

void expect_killer(const Exit& exit, const Row& row, const Victim& victim) {
    ASSERT_EQ(exit.killer.has_value(), row.killer.has_value());
    if (!exit.killer) {
        return;
    }
    EXPECT_EQ(name(exit.killer->kind), name(*row.killer));
    ASSERT_EQ(exit.killer->pid.has_value(), row.blame != Blame::nobody);
    if (exit.killer->pid) {
        const Sender sender = blamed(row, victim);
        EXPECT_EQ(exit.killer->pid, static_cast<std::uint32_t>(sender.pid));
        EXPECT_EQ(exit.killer->uid, sender.uid);
        EXPECT_EQ(exit.killer->comm, sender.comm);
        EXPECT_EQ(exit.killer->exe, sender.exe);
    }
}

void expect_cause(const Exit& exit, const Row& row) {
    EXPECT_EQ(name(exit.reason), name(row.reason));
    EXPECT_EQ(exit.exit_code, WIFEXITED(row.status) ? std::optional(WEXITSTATUS(row.status)) : std::nullopt);
    EXPECT_EQ(exit.signal, WIFSIGNALED(row.status) ? WTERMSIG(row.status) : 0);
    EXPECT_EQ(exit.core_dumped, (row.status & kCoreDumped) != 0);
    EXPECT_EQ(exit.preceded_by, row.preceded_by);
    const bool died_of_request = std::ranges::find(row.stop_signals, exit.signal) != row.stop_signals.end();
    EXPECT_EQ(exit.since_stop_request.has_value(), row.preceded_by != 0 || died_of_request);
    EXPECT_EQ(exit.oom_scope, row.oom_scope);
    EXPECT_TRUE(exit.resources.has_value());
    EXPECT_FALSE(exit.spilled);
}

void expect_identity(const Exit& exit, const Victim& victim, Instant before) {
    EXPECT_EQ(exit.process.pid, static_cast<std::uint32_t>(victim.pid));
    EXPECT_EQ(exit.process.ppid, static_cast<std::uint32_t>(victim.ppid));
    EXPECT_EQ(exit.process.uid, victim.uid);
    EXPECT_EQ(exit.process.comm, victim.comm);
    ASSERT_NE(exit.process.place, nullptr);
    EXPECT_EQ(exit.process.place->cgroup, victim.cgroup.empty() ? own_cgroup() : victim.cgroup);
    EXPECT_GE(exit.process.start, before);
    EXPECT_GT(exit.time, exit.process.start);
    EXPECT_LE(exit.time, monotonic_now());
}

class Battery : public BpfTestWithParam<std::tuple<Route, Row>> {
  protected:
    void SetUp() override {
        const auto& [route, row] = GetParam();
        ObserverOptions options;
        options.probe.stop_signals = row.stop_signals;
        options.pool.min_age = route.min_age;
        observer_ = must(ObserverUnderTest::start(options, route.backend));
    }

    std::unique_ptr<ObserverUnderTest> observer_;
};

TEST_P(Battery, IsToldOnceAndExplained) {
    const Row& row = std::get<1>(GetParam());
    Scene scene;
    const Instant before = monotonic_now();
    const Victim victim = row.act(scene);
    const Born born{victim.pid, before};

    const Exit exit = must(observer_->log().await_exit(born));
    expect_cause(exit, row);
    expect_killer(exit, row, victim);
    expect_identity(exit, victim, before);
    if (const std::optional<int> seen = victim.status()) {
        EXPECT_EQ(*seen, row.parent_sees.value_or(row.status)) << "as the parent saw it";
    }

    must(observer_->settle());
    EXPECT_EQ(observer_->log().exits_of(born).size(), 1U);
}

std::string test_name(const testing::TestParamInfo<std::tuple<Route, Row>>& info) {
    return std::get<1>(info.param).name + "_" + std::get<0>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(Rows, Battery, testing::Combine(testing::ValuesIn(kRoutes), testing::ValuesIn(battery_rows())),
                         test_name);

template <typename T>
std::set<T> all_but(std::size_t count, std::initializer_list<T> exceptions) {
    std::set<T> values;
    for (std::size_t i = 0; i < count; ++i) {
        values.insert(static_cast<T>(i));
    }
    for (const T exception : exceptions) {
        values.erase(exception);
    }
    return values;
}

TEST(BatteryTable, LeavesNothingUnexplained) {
    std::set<Reason> reasons;
    std::set<KillerClass> classes;
    for (const Row& row : battery_rows()) {
        reasons.insert(row.reason);
        EXPECT_TRUE(row.killer != KillerClass::unknown || row.name == "seccomp_strict") << row.name;
        if (row.killer) {
            classes.insert(*row.killer);
        }
    }
    EXPECT_EQ(reasons, all_but(kReasonCount, {Reason::unknown}));
    EXPECT_EQ(classes, all_but(kKillerClassCount, {KillerClass::init})); // nobody can make process 1 do it
}

} // namespace
} // namespace knell::test
