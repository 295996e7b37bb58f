#include "exporters/prometheus/process_families.hpp"
#include "exporters/prometheus/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <map>
#include <string>

namespace knell {
namespace {

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
