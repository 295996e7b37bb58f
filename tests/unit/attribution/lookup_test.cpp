#include "agent/attribution/lookup.hpp"

#include <gtest/gtest.h>

namespace knell {
namespace {

const Lookup kRoot{.path = "/", .miss = Miss::none};
const Lookup kV2{.path = "/v2", .miss = Miss::none};
const Lookup kV1{.path = "/v1", .miss = Miss::none};
const Lookup kGone{.path = "", .miss = Miss::cgroup_gone};
const Lookup kUnreadable{.path = "", .miss = Miss::cgroup_unreadable};
const Lookup kAbsent{.path = "", .miss = Miss::no_cgroup};

TEST(Choose, Table) {
    struct Case {
        Lookup v2;
        Lookup v1_memory;
        Lookup chosen;
    };
    const Case cases[] = {
        // v2 decides when it names a cgroup
        {kV2, kV1, kV2},
        {kV2, kRoot, kV2},
        {kV2, kGone, kV2},
        {kV2, kAbsent, kV2},
        // a process in the v2 root is where v1 says
        {kRoot, kV1, kV1},
        {kRoot, kRoot, kRoot},
        {kRoot, kAbsent, kRoot},
        {kRoot, kGone, kGone}, // not "/": it was somewhere else
        {kRoot, kUnreadable, kUnreadable},
        // a host without v2
        {kAbsent, kV1, kV1},
        {kAbsent, kRoot, kRoot},
        {kAbsent, kGone, kGone},
        {kAbsent, kAbsent, kAbsent},
        // v1 may stand in for a miss in v2, its root may not
        {kGone, kV1, kV1},
        {kGone, kRoot, kGone},
        {kGone, kUnreadable, kGone},
        {kGone, kAbsent, kGone},
        {kUnreadable, kV1, kV1},
        {kUnreadable, kRoot, kUnreadable},
        {kUnreadable, kAbsent, kUnreadable},
    };
    for (const Case& c : cases) {
        const Lookup chosen = choose(c.v2, c.v1_memory);
        const auto row = testing::Message() << "v2 '" << c.v2.path << "' " << static_cast<int>(c.v2.miss) << ", v1 '"
                                            << c.v1_memory.path << "' " << static_cast<int>(c.v1_memory.miss);
        EXPECT_EQ(chosen.path, c.chosen.path) << row;
        EXPECT_EQ(chosen.miss, c.chosen.miss) << row;
    }
}

} // namespace
} // namespace knell
