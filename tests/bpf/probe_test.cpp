#include "agent/probe/decode.hpp"
#include "agent/probe/probe.hpp"
#include "tests/bpf/bpf_test.hpp"
#include "tests/bpf/drain_all.hpp"
#include "tests/bpf/event_log.hpp"
#include "tests/bpf/scene.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <thread>

// The loaded programs and the memory that they share with us, without an observer around them.

namespace knell::test {
namespace {

class ProbeTest : public BpfTest {
  protected:
    void SetUp() override { probe_ = must(Probe::load({})); }

    knell_slot slot(std::uint32_t index) { return read_slot(probe_->slots()[index]); }

    Scene scene_;
    std::unique_ptr<Probe> probe_;
};

TEST_F(ProbeTest, EveryFeatureIsOn) {
    std::multiset<std::string> names;
    for (const Feature& feature : probe_->features()) {
        names.insert(feature.name);
        EXPECT_TRUE(feature.on()) << feature.name << ": " << feature.why_not;
    }
    EXPECT_THAT(names, testing::UnorderedElementsAre("exit", "signal", "fork", "exec", "oom_scope", "pidfd_creation"));
    EXPECT_TRUE(probe_->observes_signals());
    EXPECT_TRUE(probe_->observes_pidfds());
}

TEST_F(ProbeTest, DrainIsBounded) {
    constexpr std::size_t kLimit = 16;
    Process& storm = scene_.start({"storm", "100"});
    EXPECT_EQ(must(storm.wait()), EXIT_SUCCESS);

    std::set<std::uint32_t> children;
    const auto collect = [&](std::span<const std::byte> bytes) {
        const auto record = decode(bytes);
        if (const auto* exit = std::get_if<const knell_exit*>(&record)) {
            if ((*exit)->process.ppid == static_cast<std::uint32_t>(storm.pid())) {
                children.insert((*exit)->process.pid);
            }
        }
    };
    const std::size_t used = probe_->ring().used_bytes();
    EXPECT_EQ(probe_->ring().drain(kLimit, collect), kLimit);
    EXPECT_LE(children.size(), kLimit);
    EXPECT_LT(probe_->ring().used_bytes(), used);
    drain_all(probe_->ring(), collect);
    EXPECT_EQ(children.size(), 100U);
}

TEST_F(ProbeTest, TaggedProcessFillsItsSlot) {
    constexpr std::uint32_t kSlot = 7;
    Process& victim = scene_.start_ready({"sleep"});
    const Fd pidfd = open_pidfd(victim.pid());
    must(probe_->tag(pidfd.get(), kSlot));
    EXPECT_EQ(slot(kSlot).exit_ns, 0U) << "it lives";

    const Instant before = monotonic_now();
    must(victim.kill(SIGTERM));
    EXPECT_EQ(must(victim.wait()), SIGTERM);
    EXPECT_GT(slot(kSlot).exit_ns, before);
    EXPECT_GT(slot(kSlot).notify_ns, slot(kSlot).exit_ns);
    EXPECT_LT(slot(kSlot).notify_ns, monotonic_now());
    EXPECT_EQ(slot(kSlot - 1).exit_ns, 0U);
    EXPECT_EQ(slot(kSlot + 1).exit_ns, 0U);
}

TEST_F(ProbeTest, UntaggedProcessLeavesItsSlotAlone) {
    constexpr std::uint32_t kSlot = 7;
    Process& victim = scene_.start_ready({"sleep"});
    const Fd pidfd = open_pidfd(victim.pid());
    must(probe_->tag(pidfd.get(), kSlot));
    probe_->untag(pidfd.get());
    must(victim.kill(SIGTERM));
    must(victim.wait());
    EXPECT_EQ(slot(kSlot).exit_ns, 0U);
    EXPECT_EQ(slot(kSlot).notify_ns, 0U);
}

// Two observers of one node find a process old enough at the same moment.
TEST_F(ProbeTest, TwoProbesTagOneProcessAtOnce) {
    constexpr std::uint32_t kSlot = 7;
    constexpr int kRounds = 500;
    const std::unique_ptr<Probe> other = must(Probe::load({}));
    int pidfd = -1;
    int failed = 0;
    std::barrier meet(2);
    std::jthread other_tags([&] {
        for (int round = 0; round < kRounds; ++round) {
            meet.arrive_and_wait();
            failed += other->tag(pidfd, kSlot) ? 0 : 1;
            meet.arrive_and_wait();
        }
    });
    for (int round = 0; round < kRounds; ++round) {
        const Process sleeper = must(Process::start({die_path(), "sleep"}));
        const Fd opened = open_pidfd(sleeper.pid());
        pidfd = opened.get();
        meet.arrive_and_wait();
        const Result<> tagged = probe_->tag(pidfd, kSlot);
        EXPECT_TRUE(tagged) << tagged.error().message;
        meet.arrive_and_wait();
    }
    other_tags.join();
    EXPECT_EQ(failed, 0);
}

TEST_F(ProbeTest, DeadProcessCannotBeTagged) {
    Process& victim = scene_.start_ready({"sleep"});
    const Fd pidfd = open_pidfd(victim.pid());
    must(victim.kill(SIGKILL));
    must(victim.wait());
    const Result<> tagged = probe_->tag(pidfd.get(), 7);
    ASSERT_FALSE(tagged);
    EXPECT_EQ(tagged.error().errno_value, ESRCH) << tagged.error().message;
    probe_->untag(pidfd.get()); // nothing to do, nothing to complain about
}

} // namespace
} // namespace knell::test
