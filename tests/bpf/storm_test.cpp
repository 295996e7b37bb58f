#include "tests/bpf/backends.hpp"
#include "tests/bpf/bpf_test.hpp"
#include "tests/bpf/observer_under_test.hpp"
#include "tests/bpf/scene.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>

// Storms of real exits with room for all of them: what is told and what the kernel counted come out even.

namespace knell::test {
namespace {

// seen = delivered. Other processes end while the counters are read, so it holds at most instants, not at all.
bool comes_out_even(const ObserverUnderTest& observer) {
    return eventually([&observer] {
        const KernelCounts counts = observer.status().kernel;
        return counts.exits_seen == counts.exits_delivered;
    });
}

// On a machine that has other work.
constexpr std::chrono::milliseconds kLongStorm = 4 * kPatience;

void run_to_the_end(Process& storm) {
    EXPECT_EQ(must(storm.wait()), EXIT_SUCCESS);
}

class Storm : public BpfTestWithParam<BackendChoice> {};

TEST_P(Storm, EveryExitIsToldOnce) {
    constexpr std::uint64_t kEach = 20'000;
    // 16 MiB of records, and as many of a storm beside this test: also an observer that gets no CPU loses none.
    ObserverOptions options;
    options.probe.ring.size_bytes = 64ULL << 20;
    const auto observer = must(ObserverUnderTest::start(options, GetParam()));
    Scene scene;
    const Instant before = monotonic_now();
    const std::array<Process*, 2> workers = {&scene.start({"storm", std::to_string(kEach)}),
                                             &scene.start({"storm", std::to_string(kEach)})};
    for (Process* worker : workers) {
        must(observer->log().await_exit({worker->pid(), before}, kLongStorm));
        // A child that the scheduler made wait for longer than min_age is watched: its pidfd may come after.
        must(observer->log().await_exits_of_children({worker->pid(), before}, kEach));
    }
    must(observer->settle());
    for (Process* worker : workers) {
        EXPECT_EQ(observer->log().exits_of_children({worker->pid(), before}).size(), kEach);
        EXPECT_EQ(observer->log().exits_of({worker->pid(), before}).size(), 1U);
        run_to_the_end(*worker);
    }

    const Status status = observer->status();
    EXPECT_EQ(status.kernel.exits_spilled, 0U);
    EXPECT_EQ(status.kernel.exits_unaccounted, 0U);
    EXPECT_EQ(status.kernel.forks_dropped, 0U);
    EXPECT_EQ(status.kernel.marks_failed, 0U);
    EXPECT_EQ(status.decode_errors, 0U);
    EXPECT_TRUE(comes_out_even(*observer));
    ASSERT_FALSE(status.programs.empty());
    for (const ProgramStats& program : status.programs) {
        EXPECT_EQ(program.recursion_misses, 0U) << program.name;
    }
}

INSTANTIATE_TEST_SUITE_P(Backends, Storm, both_backends(), backend_name);

} // namespace
} // namespace knell::test
