#include "tests/unit/observer/reporter_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <optional>

// Deaths of processes that were found in /proc.

namespace knell::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class DeathReporterScanTest : public ZombieTest {
  protected:
    void SetUp() override {
        ZombieTest::SetUp();
        start(kAllSources, select_comm(own_name()));
    }
};

TEST_F(DeathReporterScanTest, ALivingProcessThatIsGivenUpIsNotDead) {
    Process found = start_die({"rename", own_name()});
    (void)value_of(found.read_after("ready"));
    ASSERT_TRUE(scan_finds(1));
    pool->release_all();
    EXPECT_THAT(sink.events, IsEmpty());
    EXPECT_EQ(zombies(), 0U);
}

TEST_F(DeathReporterScanTest, TheRecordSaysEverything) {
    Process child = start_die({"rename", own_name()});
    (void)value_of(child.read_after("ready"));
    ASSERT_TRUE(scan_finds(1));
    knell_process process = describe(child.pid());
    process.uid = 1001;
    write_slot(5000, 6000);
    ASSERT_TRUE(child.kill(SIGKILL));
    record(exit_record(process, SIGKILL, 5000));
    EXPECT_THAT(sink.events, IsEmpty());
    run_until_zombies(1);
    ASSERT_THAT(sink.events, SizeIs(1));
    EXPECT_EQ(sink.of<Exit>().at(0).process.uid, std::optional<std::uint32_t>(1001));
    EXPECT_EQ(sink.of<Exit>().at(0).teardown, std::optional<Nanoseconds>(1000));
    EXPECT_EQ(zombies(), 1U);
}

// Counted as a zombie when the pidfd spoke, and again when the record explains it: it stays one.
TEST_F(DeathReporterScanTest, APidfdThatIsFasterThanTheRingMakesOneZombie) {
    Process child = start_die({"rename", own_name()});
    (void)value_of(child.read_after("ready"));
    ASSERT_TRUE(scan_finds(1));
    const knell_process process = describe(child.pid());
    write_slot(5000, 6000);
    ASSERT_TRUE(child.kill(SIGKILL));
    run_until_zombies(1);
    EXPECT_EQ(zombies(), 1U);
    EXPECT_THAT(sink.events, IsEmpty());
    record(exit_record(process, SIGKILL, 5000));
    EXPECT_THAT(sink.of<Exit>(), SizeIs(1));
    EXPECT_EQ(zombies(), 1U);
    EXPECT_EQ(oldest_zombie(), 6000U);
    (void)value_of(child.wait());
    run_until_released();
    EXPECT_EQ(zombies(), 0U);
    EXPECT_THAT(sink.of<Reap>(), SizeIs(1));
}

TEST_F(DeathReporterScanTest, AZombieOlderThanUsIsCountedAndNothingIsSaidOfIt) {
    Process child = start_die({"rename", own_name()});
    (void)value_of(child.read_after("ready"));
    ASSERT_TRUE(child.kill(SIGKILL));
    await_zombie(child.pid());
    ASSERT_TRUE(scan_finds(1)) << "as far as is known until its pidfd speaks";
    run_until_zombies(1);
    EXPECT_EQ(zombies(), 1U);
    EXPECT_NE(oldest_zombie(), 0U);
    (void)value_of(child.wait());
    run_until_released();
    EXPECT_EQ(zombies(), 0U);
    EXPECT_THAT(sink.events, IsEmpty()) << "neither its end nor its reap";
}

} // namespace
} // namespace knell::test
