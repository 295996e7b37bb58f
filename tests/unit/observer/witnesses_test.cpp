#include "agent/observer/witnesses.hpp"

#include "agent/pidfd/features.hpp"
#include "tests/unit/observer/reporter_fixture.hpp"

#include <gtest/gtest.h>

#include <csignal>

// What the exit record and the reaped pidfd tell of one death.

namespace knell::test {
namespace {

constexpr int kCore = 0x80;

struct Disagreements {
    std::uint64_t exit_code;
    std::uint64_t signal;
    std::uint64_t core_dumped;
    bool operator==(const Disagreements&) const = default;
};

void PrintTo(const Disagreements& counts, std::ostream* out) {
    *out << counts.exit_code << " " << counts.signal << " " << counts.core_dumped;
}

Disagreements counted(const Witnesses& witnesses) {
    return {witnesses.disagreements(WitnessField::exit_code), witnesses.disagreements(WitnessField::signal),
            witnesses.disagreements(WitnessField::core_dumped)};
}

TEST(Witnesses, DisagreeByField) {
    const struct {
        int recorded;
        int collected;
        Disagreements expected;
    } rows[] = {
        {0, 0, {0, 0, 0}},
        {3 << 8, 3 << 8, {0, 0, 0}},
        {SIGSEGV | kCore, SIGSEGV | kCore, {0, 0, 0}},
        {3 << 8, 4 << 8, {1, 0, 0}},
        {SIGKILL, SIGHUP, {0, 1, 0}}, // reboot(2) in a pid namespace
        {SIGSEGV, SIGSEGV | kCore, {0, 0, 1}},
        {0, SIGKILL, {0, 1, 0}},
        {5 << 8, SIGABRT | kCore, {1, 1, 1}},
    };
    for (const auto& row : rows) {
        Witnesses witnesses;
        witnesses.compare(row.recorded, row.collected);
        EXPECT_EQ(counted(witnesses), row.expected) << row.recorded << " against " << row.collected;
    }
}

TEST(Witnesses, AddUp) {
    Witnesses witnesses;
    witnesses.compare(0, 1 << 8);
    witnesses.compare(0, 0);
    witnesses.compare(0, 2 << 8);
    EXPECT_EQ(counted(witnesses), (Disagreements{2, 0, 0}));
}

class ReporterWitnessTest : public ZombieTest {
  protected:
    void SetUp() override {
        ZombieTest::SetUp();
        if (!available(PidfdFeature::exit_info)) {
            GTEST_SKIP() << "this kernel does not tell the status of a reaped process (PIDFD_INFO_EXIT, Linux 6.15)";
        }
        start(kAllSources);
    }

    // A process dies of SIGKILL, and its record says `status`.
    void die_recorded_as(int status) {
        Process child = start_sleeper();
        const knell_process process = describe(child.pid());
        ASSERT_NE(watch(process), nullptr);
        write_slot(5000, 6000);
        ASSERT_TRUE(child.kill(SIGKILL));
        record(exit_record(process, status, 5000));
        run_until_zombies(1);
        (void)value_of(child.wait());
        run_until_released();
    }
};

TEST_F(ReporterWitnessTest, ATrueRecordAgrees) {
    die_recorded_as(SIGKILL);
    EXPECT_EQ(counted(reporter->witnesses()), (Disagreements{0, 0, 0}));
}

TEST_F(ReporterWitnessTest, AFalseRecordIsCaught) {
    die_recorded_as((7 << 8) | kCore);
    EXPECT_EQ(counted(reporter->witnesses()), (Disagreements{1, 1, 1}));
    EXPECT_EQ(sink.of<Exit>().size(), 1U) << "it is told all the same, once";
}

TEST_F(ReporterWitnessTest, WithoutARecordThereIsOneWitnessOnly) {
    Process child = start_sleeper();
    const knell_process process = describe(child.pid());
    ASSERT_NE(watch(process), nullptr);
    ASSERT_TRUE(child.kill(SIGKILL));
    (void)value_of(child.wait());
    run_until_released();
    EXPECT_EQ(counted(reporter->witnesses()), (Disagreements{0, 0, 0}));
}

} // namespace
} // namespace knell::test
