#include "agent/pidfd/proc_fields.hpp"

#include <gtest/gtest.h>

#include <string>

namespace knell::test {
namespace {

using Numbers = std::vector<std::int64_t>;

TEST(ProcFields, FindsNumbers) {
    struct Row {
        const char* text;
        std::optional<Numbers> numbers; // of "Pid"
    };
    const Row rows[] = {
        {"pos:\t0\nPid:\t42\nNSpid:\t42\t7\n", Numbers{42}},
        {"pos:\t0\nPid:\t-1\n", Numbers{-1}},
        {"x:\ny\nPid:\t4294967295\t0\t1", Numbers{4294967295, 0, 1}},
        {"x:\t1\nPPid:\t1\nTracerPid:\t2\nPid:\t3\n", Numbers{3}},
        {"x:\t1\nPid:\t3\nPid:\t4\n", Numbers{3}},
        {"x:\t1\nPPid:\t1\n", std::nullopt},
        {"x:\t1\nPid:\n", std::nullopt},
        {"x:\t1\nPid:\t\n", std::nullopt},
        {"x:\t1\nPid: 3\n", std::nullopt},
        {"x:\t1\nPid:\t3 4\n", std::nullopt},
        {"x:\t1\nPid:\t3\t\n", std::nullopt},
        {"x:\t1\nPid:\tthree\n", std::nullopt},
        {"x:\t1\nPid:\t99999999999999999999\n", std::nullopt},
        {"x:\t1\nPid", std::nullopt},
        {"", std::nullopt},
    };
    for (const auto& [text, numbers] : rows) {
        EXPECT_EQ(find_numbers(text, "Pid"), numbers) << text;
    }
}

} // namespace
} // namespace knell::test
