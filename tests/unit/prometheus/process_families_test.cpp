#include "exporters/prometheus/process_families.hpp"
#include "exporters/prometheus/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <map>
#include <string>

namespace knell {
namespace {

TEST(ProcStat, FindsItsFieldsWhateverTheCommIs) {
    const std::string tail = "S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 4242 123456 789 18446744073709551615 1 1";
    for (const char* comm : {"knell", "a b", ")", ") S 1", "((", ""}) {
        const auto stat = parse_proc_stat("17 (" + std::string(comm) + ") " + tail);
        ASSERT_TRUE(stat) << comm;
        EXPECT_EQ(stat->start_ticks, 4242U);
        EXPECT_EQ(stat->virtual_bytes, 123456U);
        EXPECT_EQ(stat->resident_pages, 789U);
    }
}

TEST(ProcStat, RefusesWhatIsNotALineOfIt) {
    for (const char* line :
         {"", "17 (knell", "17 (knell) S 1 2", "17 (knell) S 1 1 1 0 -1 4 1 2 3 4 5 6 7 8 20 0 3 0 x 1 2"}) {
        EXPECT_FALSE(parse_proc_stat(line)) << line;
    }
}

TEST(ProcessFamilies, DescribeThisProcess) {
    std::map<std::string, double> values;
    collect_process([&values](FamilyBatch&& batch) {
        const prometheus::MetricFamily& family = batch.family;
        const auto& metric = family.metric.at(0);
        values[family.name] =
            family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
    });
    EXPECT_GE(values.at("process_cpu_seconds_total"), 0);
    EXPECT_GT(values.at("process_resident_memory_bytes"), 100'000);
    EXPECT_GT(values.at("process_virtual_memory_bytes"), values.at("process_resident_memory_bytes"));
    EXPECT_GE(values.at("process_open_fds"), 3);
    EXPECT_LE(values.at("process_open_fds"), values.at("process_max_fds"));
    const auto now = static_cast<double>(::time(nullptr));
    EXPECT_LE(values.at("process_start_time_seconds"), now + 1);
    EXPECT_GT(values.at("process_start_time_seconds"), now - 3600);
}

} // namespace
} // namespace knell
