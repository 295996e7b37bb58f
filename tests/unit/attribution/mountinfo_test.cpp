#include "agent/attribution/mountinfo.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace knell {

bool operator==(const CgroupMount& a, const CgroupMount& b) {
    return a.kind == b.kind && a.root == b.root && a.mount_point == b.mount_point;
}

namespace {

using Kind = CgroupMount::Kind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Mountinfo, UnifiedHost) {
    EXPECT_THAT(
        parse_mountinfo("22 28 0:21 / /sys rw,nosuid - sysfs sysfs rw\n"
                        "35 22 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 "
                        "rw,nsdelegate,memory_recursiveprot\n"),
        ElementsAre(CgroupMount{Kind::v2, "/", "/sys/fs/cgroup"}));
}

TEST(Mountinfo, HybridHost) {
    EXPECT_THAT(
        parse_mountinfo("31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
                        "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
                        "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:1 master:2 - cgroup cgroup rw,memory\n"
                        "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
                        "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw"),
        ElementsAre(CgroupMount{Kind::v1_memory, "/", "/sys/fs/cgroup/memory"},
                    CgroupMount{Kind::v2, "/", "/sys/fs/cgroup/unified"}));
}

TEST(Mountinfo, InAContainer) {
    EXPECT_THAT(
        parse_mountinfo("9 8 0:26 /docker/abc /sys/fs/cgroup/memory ro master:1 - cgroup cgroup rw,hugetlb,memory\n"
                        "10 8 0:26 /../../.. /host/sys/fs/cgroup ro - cgroup2 cgroup rw\n"),
        ElementsAre(CgroupMount{Kind::v1_memory, "/docker/abc", "/sys/fs/cgroup/memory"},
                    CgroupMount{Kind::v2, "/../../..", "/host/sys/fs/cgroup"}));
}

TEST(Mountinfo, EscapesAreUndone) {
    EXPECT_THAT(parse_mountinfo("9 8 0:26 /a\\134b /mnt/with\\040space\\011\\012x rw - cgroup2 none rw\n"),
                ElementsAre(CgroupMount{Kind::v2, "/a\\b", "/mnt/with space\t\nx"}));
    EXPECT_THAT(parse_mountinfo("9 8 0:26 / /mnt/x\\08\\9\\0 rw - cgroup2 none rw\n"),
                ElementsAre(CgroupMount{Kind::v2, "/", "/mnt/x\\08\\9\\0"}));
}

TEST(Mountinfo, OtherTextIsSkipped) {
    for (const char* text :
         {"", "\n\n", "garbage", "1 2 3", "1 2 0:3 / /x rw", "1 2 0:3 / /x rw -", "1 2 0:3 / /x rw - ",
          "1 2 0:3 / /x rw - cgroup cgroup rw,memoryless", "1 2 0:3 / /cgroup2 rw - ext4 cgroup2 rw,memory",
          " - cgroup2 x", "a b c   - cgroup2 x y"}) {
        EXPECT_THAT(parse_mountinfo(text), IsEmpty()) << text;
    }
}

} // namespace
} // namespace knell
