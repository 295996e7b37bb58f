#include "agent/pidfd/procfd.hpp"
#include "agent/pidfd/stat.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <limits>
#include <string>

namespace knell {
namespace {

constexpr std::uint32_t kKernelThread = 0x00200000; // PF_KTHREAD

// A line as the kernel writes it, with rsslim (field 25) as large as it gets: unsigned.
std::string line(const std::string& comm, const std::string& state = "S", const std::string& ppid = "41",
                 const std::string& flags = "4194560", const std::string& start = "123456",
                 const std::string& status = "9") {
    return "42 (" + comm + ") " + state + " " + ppid + " 42 41 34816 -1 " + flags +
           " 10 11 12 13 14 15 16 17 20 0 1 0 " + start +
           " 2433024 220 18446744073709551615 1 2 3 0 0 0 0 4096 0 1 0 0 17 1 0 0 0 0 0 4 5 6 7 8 9 10 " + status +
           "\n";
}

TEST(ParseStat, FieldsByTheirNumbers) {
    const auto stat = procfd::parse_stat(line("cat"));
    ASSERT_TRUE(stat) << stat.error().message;
    EXPECT_EQ(stat->comm, "cat");
    EXPECT_EQ(stat->state, 'S');
    EXPECT_EQ(stat->ppid, 41U);
    EXPECT_EQ(stat->flags, 4194560U);
    EXPECT_EQ(stat->start_ticks, 123456U);
    EXPECT_EQ(stat->virtual_bytes, 2433024U);
    EXPECT_EQ(stat->resident_pages, 220U);
    EXPECT_EQ(stat->exit_status, 9);
    EXPECT_FALSE(stat->zombie());
    EXPECT_FALSE(stat->kernel_thread());
}

TEST(ParseStat, NoCommCanPretendToBeAField) {
    using namespace std::string_literals;
    for (const std::string& comm :
         {""s, ")"s, "("s, "a) R 1 ("s, "a) Z 1 2 3"s, "line\nfeed"s, " "s, "((sd-pam))"s, "\xff\x80"s}) {
        const auto stat = procfd::parse_stat(line(comm));
        ASSERT_TRUE(stat) << "comm '" << comm << "': " << stat.error().message;
        EXPECT_EQ(stat->comm, comm);
        EXPECT_EQ(stat->state, 'S') << comm;
        EXPECT_EQ(stat->ppid, 41U) << comm;
        EXPECT_EQ(stat->start_ticks, 123456U) << comm;
    }
}

TEST(ParseStat, Predicates) {
    struct Row {
        const char* state;
        std::uint32_t flags;
        bool zombie;
        bool kernel_thread;
    };
    for (const Row& row : {Row{"R", 0, false, false}, Row{"Z", 0, true, false}, Row{"X", 0, true, false},
                           Row{"I", kKernelThread, false, true}, Row{"S", kKernelThread | 0x40, false, true},
                           Row{"S", ~kKernelThread, false, false}}) {
        const auto stat = procfd::parse_stat(line("x", row.state, "1", std::to_string(row.flags)));
        ASSERT_TRUE(stat) << stat.error().message;
        EXPECT_EQ(stat->zombie(), row.zombie) << row.state;
        EXPECT_EQ(stat->kernel_thread(), row.kernel_thread) << row.flags;
    }
}

TEST(ParseStat, NumbersUpToTheLimitsOfTheirTypes) {
    const auto stat =
        procfd::parse_stat(line("x", "Z", "4294967295", "4294967295", "18446744073709551615", "-2147483648"));
    ASSERT_TRUE(stat) << stat.error().message;
    EXPECT_EQ(stat->ppid, std::numeric_limits<std::uint32_t>::max());
    EXPECT_EQ(stat->flags, std::numeric_limits<std::uint32_t>::max());
    EXPECT_EQ(stat->start_ticks, std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(stat->exit_status, std::numeric_limits<int>::min());
}

TEST(ParseStat, NumbersThatDoNotFitAreErrors) {
    const std::string huge = "99999999999999999999999999";
    for (const std::string& text :
         {line("x", "S", huge), line("x", "S", "4294967296"), line("x", "S", "-1"), line("x", "S", "1", huge),
          line("x", "S", "1", "0", huge), line("x", "S", "1", "0", "5", huge), line("x", "S", "1", "0", "5", "x")}) {
        const auto stat = procfd::parse_stat(text);
        ASSERT_FALSE(stat) << text;
        EXPECT_EQ(stat.error().errno_value, EPROTO) << text;
    }
}

// Every prefix is a file that was cut; the copy lies alone on the heap, so that a sanitizer sees the first byte too
// far.
TEST(ParseStat, NoPrefixIsTakenForTheWhole) {
    const std::string whole = line("a) R 1 (");
    const std::size_t enough = whole.rfind('9') + 1;
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const std::string cut(whole, 0, length);
        EXPECT_EQ(procfd::parse_stat(cut).has_value(), length >= enough) << cut;
    }
}

TEST(ParseStat, NotAStatAtAll) {
    for (const char* text : {"", "\n", "42", "42 cat S 1", "42 (cat", "42 cat)", ")(", "42 )cat( S 1", "42 (cat)",
                             "42 (cat) ", "42 (cat) S", "42 (cat) S x"}) {
        const auto stat = procfd::parse_stat(text);
        ASSERT_FALSE(stat) << text;
        EXPECT_EQ(stat.error().errno_value, EPROTO) << text;
    }
}

} // namespace
} // namespace knell
