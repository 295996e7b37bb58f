#include "agent/probe/kallsyms.hpp"

#include "tests/support/process.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <sys/wait.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <initializer_list>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace knell::test {
namespace {

constexpr const char* kFunction = "do_exit"; // of every kernel, never inlined: others call it

// Read in another way than the code under test does.
std::optional<std::uint64_t> address_of(const std::string& function) {
    std::ifstream symbols("/proc/kallsyms");
    for (std::string line; std::getline(symbols, line);) {
        std::istringstream words(line);
        std::string address;
        std::string type;
        std::string symbol;
        if (words >> address >> type >> symbol && symbol == function) {
            return std::stoull(address, nullptr, 16);
        }
    }
    return std::nullopt;
}

class Kallsyms : public testing::Test {
  protected:
    void SetUp() override {
        const auto address = address_of(kFunction);
        if (!address) {
            GTEST_SKIP() << "/proc/kallsyms does not list " << kFunction;
        }
        if (*address == 0) {
            GTEST_SKIP() << "/proc/kallsyms hides addresses: needs CAP_SYSLOG and kernel.kptr_restrict below 2";
        }
        address_ = *address;
    }

    std::uint64_t address_ = 0;
};

Result<std::vector<AddressRange>> find(std::initializer_list<std::string_view> names) {
    return find_kernel_symbols(std::span(names.begin(), names.size()));
}

TEST_F(Kallsyms, FindsAFunctionUpToTheNext) {
    const auto ranges = find({kFunction});
    ASSERT_TRUE(ranges) << ranges.error().message;
    ASSERT_EQ(ranges->size(), 1U);
    EXPECT_EQ(ranges->front().start, address_);
    EXPECT_GT(ranges->front().end, ranges->front().start);
    EXPECT_LT(ranges->front().end - ranges->front().start, 1U << 20) << "no function is so long";
}

TEST_F(Kallsyms, AnswersInTheOrderOfTheNames) {
    const auto ranges = find({"no_such_function_in_any_kernel", kFunction, "", kFunction});
    ASSERT_TRUE(ranges) << ranges.error().message;
    ASSERT_EQ(ranges->size(), 4U);
    for (const std::size_t absent : {0U, 2U}) {
        EXPECT_EQ((*ranges)[absent].start, 0U) << absent;
        EXPECT_EQ((*ranges)[absent].end, 0U) << absent;
    }
    for (const std::size_t present : {1U, 3U}) {
        EXPECT_EQ((*ranges)[present].start, address_) << present;
    }
}

TEST_F(Kallsyms, NamesMatchAsAWhole) {
    for (const char* name : {"", "do_exi", "no_such_function_in_any_kernel"}) {
        const auto ranges = find({name});
        ASSERT_FALSE(ranges) << name;
        EXPECT_EQ(ranges.error().errno_value, ENOENT) << name;
    }
}

TEST_F(Kallsyms, HiddenAddressesAreNoAddresses) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: asks as another user";
    }
    constexpr int kShown = 254;
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setgid(65534) != 0 || ::setuid(65534) != 0) {
            ::_exit(255);
        }
        const auto ranges = find({kFunction});
        ::_exit(ranges ? kShown : ranges.error().errno_value);
    }
    const Result<int> status = reap(child);
    ASSERT_TRUE(status) << status.error().message;
    if (WEXITSTATUS(*status) == kShown) {
        GTEST_SKIP() << "this machine shows kernel addresses to everybody (kernel.kptr_restrict = 0)";
    }
    EXPECT_EQ(WEXITSTATUS(*status), EPERM);
}

Result<std::vector<AddressRange>> find_in(std::string listing, std::initializer_list<std::string_view> names) {
    std::FILE* file = ::fmemopen(listing.data(), listing.size(), "r");
    auto ranges = find_symbols(*file, std::span(names.begin(), names.size()));
    (void)std::fclose(file);
    return ranges;
}

TEST(KallsymsListing, TheLastSymbolHasNoEndAndIsNotFound) {
    const auto ranges = find_in("ffffffff81000000 T one\nffffffff81000010 T two\n", {"one", "two"});
    ASSERT_TRUE(ranges) << ranges.error().message;
    EXPECT_EQ((*ranges)[0].start, 0xffffffff81000000U);
    EXPECT_EQ((*ranges)[0].end, 0xffffffff81000010U);
    EXPECT_EQ((*ranges)[1].start, 0U);
}

TEST(KallsymsListing, SymbolsOfModulesAreFoundToo) {
    const auto ranges = find_in("ffffffffc0000000 t one\t[module]\nffffffffc0000010 t two\t[module]\n", {"one"});
    ASSERT_TRUE(ranges) << ranges.error().message;
    EXPECT_EQ(ranges->front().start, 0xffffffffc0000000U);
}

// Since Linux 6.1 a name has up to 511 bytes (KSYM_NAME_LEN), for Rust. No part of a longer line is a line.
TEST(KallsymsListing, ALongNameIsOneName) {
    const std::string forged = "ffffffff81234567 T do_exit";
    for (std::size_t length = 400; length < 1100; ++length) {
        const auto ranges = find_in("ffffffff80000000 T " + std::string(length, 'n') + forged +
                                        "\nffffffff82000000 T do_exit\nffffffff82000010 T next\n",
                                    {"do_exit"});
        ASSERT_TRUE(ranges) << ranges.error().message;
        ASSERT_EQ(ranges->front().start, 0xffffffff82000000U) << length;
    }
}

} // namespace
} // namespace knell::test
