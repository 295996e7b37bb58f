#include "agent/observer/record_events.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace knell {
namespace {

TEST(AdjustCpuTime, SplitsAsTheKernelDoes) {
    constexpr Nanoseconds kMost = std::numeric_limits<Nanoseconds>::max();
    const struct {
        const char* what;
        CpuTime sampled;
        Nanoseconds run;
        CpuTime adjusted;
    } rows[] = {
        {"no tick met it", {0, 0}, 700, {700, 0}},
        {"ticks in user mode only", {4'000'000, 0}, 3'900'001, {3'900'001, 0}},
        {"ticks in the kernel only", {0, 4'000'000}, 3'900'001, {0, 3'900'001}},
        {"in proportion", {3'000'000, 1'000'000}, 8'000'000, {6'000'000, 2'000'000}},
        {"the rest is user time", {2, 1}, 100, {67, 33}},
        {"sampled too much", {300, 100}, 40, {30, 10}},
        {"exact already", {30, 10}, 40, {30, 10}},
        {"did not run", {30, 10}, 0, {0, 0}},
        {"a year on 1024 processors", // beyond 64 bits when multiplied
         {16'000'000'000'000'000'000U, 16'000'000'000'000'000'000U},
         18'000'000'000'000'000'000U,
         {9'000'000'000'000'000'000U, 9'000'000'000'000'000'000U}},
        {"the largest numbers", {1, kMost}, kMost, {1, kMost - 1}},
    };
    for (const auto& row : rows) {
        const CpuTime adjusted = adjust_cpu_time(row.sampled, row.run);
        EXPECT_EQ(adjusted.user, row.adjusted.user) << row.what;
        EXPECT_EQ(adjusted.system, row.adjusted.system) << row.what;
    }
}

TEST(ResourcesOf, AreThoseOfTheRecord) {
    knell_exit record{};
    record.user_ns = 3000;
    record.system_ns = 1000;
    record.run_ns = 8000;
    record.peak_rss_bytes = 4096;
    record.minor_faults = 5;
    record.major_faults = 6;
    const Resources resources = resources_of(record);
    EXPECT_EQ(resources.user, 6000U);
    EXPECT_EQ(resources.system, 2000U);
    EXPECT_EQ(resources.peak_rss_bytes, 4096U);
    EXPECT_EQ(resources.minor_faults, 5U);
    EXPECT_EQ(resources.major_faults, 6U);
}

knell_pidfd opened_pidfd() {
    knell_pidfd record{};
    record.head.time_ns = 5000;
    record.opener.pid = 4242;
    record.opener.uid = 1000;
    record.opener.start_ns = 99;
    record.target_pid = 17;
    record.target_inode = 123;
    record.via = KNELL_PIDFD_SOCKET;
    std::ranges::copy(std::string_view("opener"), record.opener.comm);
    std::ranges::fill(record.target_comm, 'x'); // as long as its field
    return record;
}

TEST(PidfdOpenOf, TellsOpenerTargetAndWay) {
    const auto place = std::make_shared<const Place>();
    const PidfdOpen open = pidfd_open_of(opened_pidfd(), place);
    EXPECT_EQ(open.time, 5000U);
    EXPECT_EQ(open.process.pid, 4242U);
    EXPECT_EQ(open.process.uid, std::optional<std::uint32_t>(1000));
    EXPECT_EQ(open.process.comm, "opener");
    EXPECT_EQ(open.process.start, 99U);
    EXPECT_EQ(open.process.place, place);
    EXPECT_EQ(open.target_pid, 17U);
    EXPECT_EQ(open.target_inode, 123U);
    EXPECT_EQ(open.target_comm, std::string(KNELL_COMM_SIZE, 'x'));
    EXPECT_EQ(open.via, PidfdVia::socket);
}

TEST(PidfdOpenOf, EveryWayHasItsName) {
    const struct {
        std::uint32_t via;
        const char* name;
    } rows[] = {
        {KNELL_PIDFD_OPEN, "pidfd_open"},
        {KNELL_PIDFD_CLONE, "clone"},
        {KNELL_PIDFD_SOCKET, "socket"},
        {KNELL_PIDFD_OTHER, "other"},
        {4, "other"},
        {0xffffffff, "other"},
    };
    for (const auto& row : rows) {
        knell_pidfd record = opened_pidfd();
        record.via = row.via;
        EXPECT_EQ(name_of(kPidfdViaNames, pidfd_open_of(record, nullptr).via), row.name) << row.via;
    }
}

} // namespace
} // namespace knell
