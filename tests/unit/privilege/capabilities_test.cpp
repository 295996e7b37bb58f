#include "agent/privilege/capabilities.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

namespace knell {
namespace {

using testing::Contains;
using testing::Not;

bool held(std::string_view name) {
    const auto uses = capability_uses();
    const auto use = std::ranges::find(uses, name, &CapabilityUse::name);
    return use != uses.end() && use->held;
}

// Each on a thread of its own, as capabilities are a thread's.
TEST(Capabilities, AfterwardsOnlyWhatRunningTakesIsHeld) {
    if (!held("cap_bpf") || !held("cap_sys_ptrace")) {
        GTEST_SKIP() << "needs root";
    }
    std::jthread([] {
        const auto kept = drop_capabilities({});
        ASSERT_TRUE(kept) << kept.error().message;
        EXPECT_THAT(*kept, Contains("cap_dac_read_search"));
        EXPECT_THAT(*kept, Not(Contains("cap_sys_ptrace")));
        for (const CapabilityUse& use : capability_uses()) {
            EXPECT_EQ(use.held, std::ranges::find(*kept, use.name) != kept->end()) << use.name;
        }
        EXPECT_EQ(::prctl(PR_CAPBSET_READ, 0, 0, 0, 0), 0);
        EXPECT_NE(::chroot("/"), 0);
    }).join();
    EXPECT_TRUE(held("cap_sys_ptrace"));
}

TEST(Capabilities, TracingStaysWhereItIsNeeded) {
    if (!held("cap_sys_ptrace")) {
        GTEST_SKIP() << "needs root";
    }
    std::jthread([] {
        const auto kept = drop_capabilities({.guarded_proc = true});
        ASSERT_TRUE(kept) << kept.error().message;
        EXPECT_THAT(*kept, Contains("cap_sys_ptrace"));
        EXPECT_TRUE(held("cap_sys_ptrace"));
    }).join();
}

// Who has nothing to drop is not refused: CAP_SETPCAP is gone the second time.
TEST(Capabilities, DroppingTwiceIsDroppingOnce) {
    std::jthread([] {
        const auto first = drop_capabilities({});
        const auto second = drop_capabilities({});
        ASSERT_TRUE(first && second);
        EXPECT_EQ(*first, *second);
    }).join();
}

} // namespace
} // namespace knell
