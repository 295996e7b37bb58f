#include "agent/probe/kallsyms.hpp"

#include "tests/support/process.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <sys/wait.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

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

TEST_F(Kallsyms, FindsAFunctionUpToTheNext) {
    const auto range = find_kernel_function(kFunction);
    ASSERT_TRUE(range) << range.error().message;
    EXPECT_EQ(range->start, address_);
    EXPECT_GT(range->end, range->start);
    EXPECT_LT(range->end - range->start, 1U << 20) << "no function is so long";
}

TEST_F(Kallsyms, NamesMatchAsAWhole) {
    for (const char* name : {"", "do_exi", "no_such_function_in_any_kernel"}) {
        const auto range = find_kernel_function(name);
        ASSERT_FALSE(range) << name;
        EXPECT_EQ(range.error().errno_value, ENOENT) << name;
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
        const auto range = find_kernel_function(kFunction);
        ::_exit(range ? kShown : range.error().errno_value);
    }
    const Result<int> status = reap(child);
    ASSERT_TRUE(status) << status.error().message;
    if (WEXITSTATUS(*status) == kShown) {
        GTEST_SKIP() << "this machine shows kernel addresses to everybody (kernel.kptr_restrict = 0)";
    }
    EXPECT_EQ(WEXITSTATUS(*status), EPERM);
}

} // namespace
} // namespace knell::test
