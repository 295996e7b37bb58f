#include "agent/cause/reason.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace knell {
namespace {

TEST(SignalName, AgreesWithTheCLibrary) {
    for (int number = 1; number < 32; ++number) {
        const char* abbreviation = ::sigabbrev_np(number);
        ASSERT_NE(abbreviation, nullptr) << number;
        // The C library calls 29 POLL where man 7 signal and the kernel prefer SIGIO.
        const std::string expected = number == SIGIO ? "SIGIO" : std::string("SIG") + abbreviation;
        EXPECT_EQ(signal_name(number), expected) << number;
    }
}

TEST(SignalName, RealTimeSignalsCountFromTheThird) {
    const std::pair<int, const char*> rows[] = {
        {31, "SIGSYS"},      {32, "SIG32"},       {33, "SIG33"},       {34, "SIGRTMIN"}, {35, "SIGRTMIN+1"},
        {44, "SIGRTMIN+10"}, {63, "SIGRTMIN+29"}, {64, "SIGRTMIN+30"}, {65, "SIG65"},    {99, "SIG99"},
        {100, "SIG100"},     {127, "SIG127"},     {0, "SIG0"},
    };
    for (const auto& [number, name] : rows) {
        EXPECT_EQ(signal_name(number), name);
    }
}

TEST(SignalName, OutOfRangeHasOneName) {
    for (const int number : {-1, 128, 255, 1 << 30}) {
        EXPECT_EQ(signal_name(number), "SIG?") << number;
    }
}

TEST(SignalName, NoTwoSignalsShareAName) {
    std::set<std::string_view> names;
    for (int number = 0; number < 128; ++number) {
        EXPECT_TRUE(names.insert(signal_name(number)).second) << signal_name(number);
    }
}

TEST(SignalNumber, IsReadByNameOrNumber) {
    const std::pair<const char*, std::optional<int>> rows[] = {
        {"SIGTERM", SIGTERM},
        {"TERM", SIGTERM},
        {"15", 15},
        {"64", 64},
        {"SIGRTMIN", 34},
        {"RTMIN+3", 37},
        {"SIGRTMIN+30", 64},
        {"32", 32},
        {"SIGWINCH", SIGWINCH},
        {"0", std::nullopt},
        {"65", std::nullopt},
        {"-15", std::nullopt},
        {"sigterm", std::nullopt},
        {"SIG", std::nullopt},
        {"", std::nullopt},
        {"SIGTERMX", std::nullopt},
        {"15x", std::nullopt},
        {"SIGRTMIN+31", std::nullopt},
        {"99999999999999999999", std::nullopt},
    };
    for (const auto& [text, number] : rows) {
        EXPECT_EQ(signal_number(text), number) << text;
    }
}

TEST(SignalNumber, UndoesSignalName) {
    for (int number = 1; number <= 64; ++number) {
        EXPECT_EQ(signal_number(signal_name(number)), number);
    }
}

TEST(ReasonNames, CoverTheEnumerations) {
    EXPECT_EQ(name(Reason::oom_kill), "oom_kill");
    EXPECT_EQ(name(Reason::unknown), "unknown");
    EXPECT_EQ(name(OomScope::unknown), "unknown");
    EXPECT_EQ(name(KillerClass::self), "self");
    EXPECT_EQ(name(KillerClass::oom_daemon), "oom_daemon");
    EXPECT_EQ(name(KillerClass::unknown), "unknown");
}

} // namespace
} // namespace knell
