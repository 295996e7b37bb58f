#include "agent/attribution/hierarchies.hpp"
#include "tests/support/cgroup.hpp"
#include "tests/unit/observer/reporter_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

// What an exit record becomes in an event: the cause, the killer, what came before.

namespace knell::test {
namespace {

class ReporterFactsTest : public ReporterTest {
  protected:
    Exit told(const knell_exit& exit, DeathReporter::Sources sources = kAllSources) {
        start(sources);
        record(exit);
        EXPECT_EQ(sink.events.size(), 1U);
        return sink.of<Exit>().at(0);
    }
};

knell_process victim() {
    knell_process process{};
    process.pid = 4242;
    return process;
}

TEST_F(ReporterFactsTest, TheKillerIsNamed) {
    const Exit exit = told(killed_by(exit_record(victim(), SIGTERM), SIGTERM, KNELL_SENDER_PARENT));
    EXPECT_EQ(exit.reason, Reason::signal);
    EXPECT_EQ(exit.signal, SIGTERM);
    ASSERT_TRUE(exit.killer);
    EXPECT_EQ(exit.killer->kind, KillerClass::parent);
    EXPECT_EQ(exit.killer->pid, std::optional<std::uint32_t>(77));
    EXPECT_EQ(exit.killer->uid, std::optional<std::uint32_t>(1000));
    EXPECT_EQ(exit.killer->comm, "killer");
}

TEST_F(ReporterFactsTest, SpilledExitsAreOneEventWithoutTheirProcesses) {
    start(kAllSources);
    knell_spill_key key{};
    key.status = SIGKILL;
    key.stop_signal = SIGTERM;
    key.fatal = killed_by(exit_record(victim(), SIGKILL), SIGKILL, KNELL_SENDER_PARENT).fatal;
    key.fatal.sender_pid = 0; // as the kernel side writes it
    reporter->spilled(key, {.exits = 12, .last_ns = 5000});

    const std::vector<Exit> told = sink.of<Exit>();
    ASSERT_EQ(told.size(), 1U);
    const Exit& exit = told.front();
    EXPECT_EQ(exit.spilled, 12U);
    EXPECT_EQ(exit.time, 5000U);
    EXPECT_EQ(exit.reason, Reason::signal);
    EXPECT_EQ(exit.preceded_by, SIGTERM);
    ASSERT_TRUE(exit.killer);
    EXPECT_EQ(exit.killer->kind, KillerClass::parent);
    EXPECT_FALSE(exit.killer->pid);
    EXPECT_EQ(exit.process.pid, 0U);
    EXPECT_FALSE(exit.process.uid);
    EXPECT_FALSE(exit.resources);
    EXPECT_FALSE(exit.since_stop_request);
}

TEST_F(ReporterFactsTest, AStrangerWithoutAPlaceIsStillNamed) {
    const Exit exit = told(killed_by(exit_record(victim(), SIGKILL), SIGKILL));
    ASSERT_TRUE(exit.killer);
    EXPECT_EQ(exit.killer->kind, KillerClass::unknown);
    EXPECT_EQ(exit.killer->pid, std::optional<std::uint32_t>(77));
}

TEST_F(ReporterFactsTest, WithoutTheSignalProgramNobodyIsBlamed) {
    const Exit exit = told(killed_by(exit_record(victim(), SIGKILL), SIGKILL, KNELL_SENDER_PARENT),
                           {.exit_records = true, .observes_signals = false});
    EXPECT_EQ(exit.reason, Reason::signal);
    ASSERT_TRUE(exit.killer);
    EXPECT_EQ(exit.killer->kind, KillerClass::unknown);
    EXPECT_EQ(exit.killer->pid, std::nullopt);
    EXPECT_EQ(exit.killer->comm, "");
}

TEST_F(ReporterFactsTest, AnotherSignalThanTheFatalOneBlamesNobody) {
    const Exit exit = told(killed_by(exit_record(victim(), SIGKILL), SIGTERM, KNELL_SENDER_PARENT));
    EXPECT_EQ(exit.signal, SIGKILL);
    ASSERT_TRUE(exit.killer);
    EXPECT_EQ(exit.killer->pid, std::nullopt);
}

TEST_F(ReporterFactsTest, TheOomKillerIsTheKernel) {
    knell_exit record = killed_by(exit_record(victim(), SIGKILL), SIGKILL);
    record.fatal.siginfo = KNELL_SIGINFO_PRIV;
    record.fatal.flags = KNELL_SIGNAL_OOM | KNELL_SIGNAL_OOM_MEMCG;
    record.flags = KNELL_EXIT_OOM_VICTIM;
    const Exit exit = told(record);
    EXPECT_EQ(exit.reason, Reason::oom_kill);
    EXPECT_EQ(exit.oom_scope, std::optional(OomScope::memcg));
    ASSERT_TRUE(exit.killer);
    EXPECT_EQ(exit.killer->kind, KillerClass::kernel);
    EXPECT_EQ(exit.killer->pid, std::nullopt) << "whoever allocated at that moment is not to blame";
}

TEST_F(ReporterFactsTest, ACoreIsTold) {
    const Exit exit = told(exit_record(victim(), SIGSEGV | 0x80));
    EXPECT_EQ(exit.signal, SIGSEGV);
    EXPECT_TRUE(exit.core_dumped);
}

TEST_F(ReporterFactsTest, AGracefulStop) {
    knell_exit record = exit_record(victim(), 0, 9000);
    record.stop_request_ns = 2000;
    record.stop_signal = SIGTERM;
    const Exit exit = told(record);
    EXPECT_EQ(exit.reason, Reason::success);
    EXPECT_EQ(exit.preceded_by, SIGTERM);
    EXPECT_EQ(exit.since_stop_request, std::optional<Nanoseconds>(7000));
    EXPECT_FALSE(exit.killer);
}

TEST_F(ReporterFactsTest, AStopByAnotherSignalThanTheUsual) {
    knell_exit record = killed_by(exit_record(victim(), SIGKILL, 9000), SIGKILL);
    record.stop_request_ns = 2000;
    record.stop_signal = SIGQUIT;
    const Exit exit = told(record);
    EXPECT_EQ(exit.reason, Reason::signal);
    EXPECT_EQ(exit.preceded_by, SIGQUIT);
    EXPECT_EQ(exit.since_stop_request, std::optional<Nanoseconds>(7000));
}

TEST_F(ReporterFactsTest, ResourcesAndExecutablesAreTold) {
    knell_exit record = killed_by(exit_record(victim(), SIGKILL), SIGKILL);
    record.run_ns = 4000;
    record.minor_faults = 3;
    std::ranges::copy(std::string_view("a-program"), record.exe);
    std::ranges::copy(std::string_view("dash"), record.fatal.sender_exe);
    const Exit exit = told(record);
    EXPECT_EQ(exit.exe, "a-program");
    ASSERT_TRUE(exit.resources);
    EXPECT_EQ(exit.resources->user, 4000U);
    EXPECT_EQ(exit.resources->minor_faults, 3U);
    ASSERT_TRUE(exit.killer);
    EXPECT_EQ(exit.killer->exe, "dash");
}

TEST_F(ReporterFactsTest, NotAskedToStop) {
    const Exit exit = told(exit_record(victim(), 0));
    EXPECT_EQ(exit.preceded_by, 0);
    EXPECT_EQ(exit.since_stop_request, std::nullopt);
}

TEST_F(ReporterFactsTest, AnExitWithoutAPlaceIsCountedByItsCause) {
    (void)told(exit_record(victim(), 0));
    EXPECT_EQ(places.unattributed(Unattributed::no_cgroup), 1U);
}

// A cgroup directory that is removed with this object.
class Directory {
  public:
    explicit Directory(std::filesystem::path path) : path_(std::move(path)) {
        made_ = std::filesystem::create_directory(path_);
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() {
        if (made_) {
            ::rmdir(path_.c_str());
        }
    }
    // The kernfs id (fs/kernfs/mount.c: the inode number, where that has 64 bits).
    [[nodiscard]] std::uint64_t id() const {
        struct stat info{};
        return ::stat(path_.c_str(), &info) == 0 ? info.st_ino : 0;
    }

  private:
    std::filesystem::path path_;
    bool made_ = false;
};

// The same signal from the same process, which lives elsewhere each time.
TEST_F(ReporterFactsTest, WhereTheKillerLives) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: makes cgroups";
    }
    auto hierarchies = open_hierarchies();
    if (!hierarchies || !hierarchies->v2) {
        GTEST_SKIP() << "no cgroup v2 hierarchy is mounted";
    }
    const auto group = TestCgroup::unified();
    if (!group) {
        GTEST_SKIP() << group.error().message;
    }
    const Directory one(group->path() / ("docker-" + std::string(64, 'a') + ".scope"));
    const Directory two(group->path() / ("docker-" + std::string(64, 'b') + ".scope"));
    const Directory unit(group->path() / "some.service");
    Places known(PlaceResolver(std::move(*hierarchies), AttributionMode::automatic, NamePaths{}), ledger);
    DeathReporter with_places(kAllSources, select_comm("*"), known, ledger, sink);

    struct Row {
        const Directory& sender;
        KillerClass kind;
    };
    for (const Row& row : {Row{one, KillerClass::same_container}, Row{two, KillerClass::other_container},
                           Row{unit, KillerClass::host}}) {
        knell_exit record = killed_by(exit_record(victim(), SIGTERM), SIGTERM);
        record.process.cgroup_id = one.id();
        record.fatal.cgroup_id = row.sender.id();
        with_places.exited(record, nullptr);
        const Exit exit = sink.of<Exit>().back();
        ASSERT_NE(exit.process.place, nullptr);
        EXPECT_EQ(exit.process.place->container_id, std::string(64, 'a'));
        ASSERT_TRUE(exit.killer);
        EXPECT_EQ(exit.killer->kind, row.kind) << name(row.kind);
    }
    EXPECT_EQ(known.unattributed(Unattributed::no_cgroup), 0U);
}

} // namespace
} // namespace knell::test
