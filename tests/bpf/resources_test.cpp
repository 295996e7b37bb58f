#include "tests/bpf/bpf_test.hpp"
#include "tests/bpf/probe_under_test.hpp"
#include "tests/bpf/scene.hpp"

#include <gtest/gtest.h>

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

// What a process used up, as the exit record and as its parent see it.

namespace knell::test {
namespace {

constexpr Nanoseconds kBurn = 60 * kMillisecond;

void burn(Nanoseconds cpu_time) {
    const std::uint64_t end = read_clock(CLOCK_THREAD_CPUTIME_ID) + cpu_time;
    while (read_clock(CLOCK_THREAD_CPUTIME_ID) < end) {
    }
}

void* burn_thread(void*) {
    burn(kBurn);
    return nullptr;
}

void* burn_forever(void*) {
    burn(~0ULL >> 1U);
    return nullptr;
}

using Threads = std::array<pthread_t, 4>;

Threads start_threads(void* (*run)(void*)) {
    Threads threads{};
    for (pthread_t& thread : threads) {
        if (::pthread_create(&thread, nullptr, run, nullptr) != 0) {
            ::_exit(255);
        }
    }
    return threads;
}

int burn_alone() {
    burn(3 * kBurn);
    return 0;
}

// Their times are in the kernel's sum when the last one exits.
int burn_in_threads_that_ended() {
    for (const pthread_t thread : start_threads(burn_thread)) {
        (void)::pthread_join(thread, nullptr);
    }
    return 0;
}

// These exit at the same instant as the last one, and are counted one by one.
int burn_in_threads_that_are_killed() {
    (void)start_threads(burn_forever);
    const std::uint64_t end = read_clock(CLOCK_PROCESS_CPUTIME_ID) + 4 * kBurn;
    while (read_clock(CLOCK_PROCESS_CPUTIME_ID) < end) {
    }
    return 0;
}

// The leader's own is counted last of all, and it is no longer the one that exits.
int burn_as_leader_and_leave() {
    burn(2 * kBurn);
    (void)start_threads(burn_thread);
    ::syscall(SYS_exit, 0);
    return 255;
}

int touch_memory() {
    constexpr std::size_t kBytes = 48 << 20;
    void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || ::madvise(memory, kBytes, MADV_NOHUGEPAGE) != 0) {
        return 255;
    }
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    for (std::size_t offset = 0; offset < kBytes; offset += page) {
        static_cast<volatile char*>(memory)[offset] = 1;
    }
    return ::munmap(memory, kBytes) == 0 ? 0 : 255; // the peak counts
}

Nanoseconds to_ns(const timeval& time) {
    return static_cast<Nanoseconds>(time.tv_sec) * kSecond + static_cast<Nanoseconds>(time.tv_usec) * kMicrosecond;
}

struct Row {
    const char* name;
    std::function<int()> life;
};

class Resources : public BpfTestWithParam<Row> {
  protected:
    void SetUp() override { probe_.emplace(); }

    std::optional<ProbeUnderTest> probe_;
};

TEST_P(Resources, AreWhatTheParentSees) {
    ForkedChild child(GetParam().life);
    const auto [status, usage] = child.wait();
    ASSERT_EQ(status, 0);
    const knell_exit exit = probe_->exit_of(child.pid());

    // Not in the record: what the last thread did since its last tick, a hundredth of a second at worst, and the end of
    // the process itself, which takes longest on an emulated machine.
    const Nanoseconds cpu = to_ns(usage.ru_utime) + to_ns(usage.ru_stime);
    constexpr Nanoseconds kTick = 10 * kMillisecond;
    EXPECT_LE(exit.run_ns, cpu + 4 * kMicrosecond); // rusage is in whole microseconds
    EXPECT_GE(exit.run_ns + 3 * kTick + cpu / 10, cpu);
    EXPECT_LE(exit.user_ns, exit.run_ns + 10 * kTick) << "sampled";

    EXPECT_EQ(exit.peak_rss_bytes, static_cast<std::uint64_t>(usage.ru_maxrss) * 1024);
    const auto near = [](std::uint64_t recorded, long seen) {
        constexpr long kAtTheEnd = 64; // faults of the exit itself
        return recorded <= static_cast<std::uint64_t>(seen) && recorded + kAtTheEnd >= static_cast<std::uint64_t>(seen);
    };
    EXPECT_TRUE(near(exit.minor_faults, usage.ru_minflt)) << exit.minor_faults << " of " << usage.ru_minflt;
    EXPECT_TRUE(near(exit.major_faults, usage.ru_majflt)) << exit.major_faults << " of " << usage.ru_majflt;
}

std::string name_of(const testing::TestParamInfo<Row>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Lives, Resources,
                         testing::Values(Row{"burns_cpu", burn_alone}, Row{"threads_ended", burn_in_threads_that_ended},
                                         Row{"threads_killed", burn_in_threads_that_are_killed},
                                         Row{"leader_left", burn_as_leader_and_leave},
                                         Row{"touches_memory", touch_memory}),
                         name_of);

class Executable : public Resources {};

// The memory, and with it the name, is there when the tracepoint comes before exit_mm().
TEST_F(Executable, IsNamedWhereItsMemoryIsThere) {
    Scene scene;
    Process& victim = scene.start_copy("a-name-of-more-than-23-bytes", {"exit", "0"});
    ASSERT_EQ(must(victim.wait()), 0);
    const knell_exit exit = probe_->exit_of(victim.pid());
    const bool before_teardown = probe_->feature("exit").hook.ends_with("(task, group_dead)");
    EXPECT_EQ(std::string(exit.exe), before_teardown ? "a-name-of-more-than-23-" : "");
    EXPECT_EQ(std::string(exit.process.comm), "a-name-of-more-");
}

} // namespace
} // namespace knell::test
