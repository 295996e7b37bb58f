#include "agent/attribution/hierarchies.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace knell {
namespace {

Mount mount_at(std::string link, std::string root, bool whole) {
    return {.directory = Fd(), .link = std::move(link), .root = std::move(root), .whole = whole};
}

TEST(PathWithin, Table) {
    struct Case {
        Mount mount;
        std::string_view link;
        std::string_view path;
    };
    const Case cases[] = {
        {mount_at("/sys/fs/cgroup", "/", true), "/sys/fs/cgroup/system.slice/a.service", "/system.slice/a.service"},
        {mount_at("/sys/fs/cgroup", "/", true), "/sys/fs/cgroup", "/"},
        {mount_at("/sys/fs/cgroup", "/", true), "/sys/fs/cgroup/a (deleted)", "/a"},
        {mount_at("/", "/", true), "/a/b", "/a/b"}, // mounted on "/", or detached since
        {mount_at("/", "/", true), "/", "/"},
        // a part of the tree is mounted
        {mount_at("/sys/fs/cgroup", "/docker/x", false), "/sys/fs/cgroup", "/docker/x"},
        {mount_at("/sys/fs/cgroup", "/docker/x", false), "/sys/fs/cgroup/a", "/docker/x/a"},
        {mount_at("/sys/fs/cgroup", "/", false), "/sys/fs/cgroup/a", "/a"}, // a cgroup namespace's own part
    };
    for (const Case& c : cases) {
        const auto path = path_within(c.mount, c.link);
        ASSERT_TRUE(path) << c.link << ": " << path.error().message;
        EXPECT_EQ(*path, c.path) << c.link << " in " << c.mount.link << " of " << c.mount.root;
    }
}

TEST(PathWithin, NoPathIsBetterThanAWrongOne) {
    // a cgroup outside of the mounted part
    EXPECT_FALSE(path_within(mount_at("/sys/fs/cgroup", "/docker/x", false), "/"));
    EXPECT_FALSE(path_within(mount_at("/sys/fs/cgroup", "/", true), "/elsewhere"));
    EXPECT_FALSE(path_within(mount_at("/sys/fs/cgroup", "/", true), "/sys/fs/cgroups"));
    EXPECT_FALSE(path_within(mount_at("/sys/fs/cgroup", "/", false), "anon_inode:[eventpoll]"));
}

TEST(OpenHierarchies, SaysWhatIsMissing) {
    const auto none = open_hierarchies("22 28 0:21 / /sys rw - sysfs sysfs rw\n");
    ASSERT_FALSE(none);
    EXPECT_NE(none.error().message.find("neither cgroup v2 nor the v1 memory controller"), std::string::npos);

    const auto missing = open_hierarchies("35 22 0:30 / /nonexistent/cgroup rw - cgroup2 cgroup2 rw\n");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().errno_value, ENOENT);
    EXPECT_NE(missing.error().message.find("/nonexistent/cgroup"), std::string::npos);
}

TEST(OpenHierarchies, AMountThatIsHiddenIsNotUsed) {
    const auto hidden = open_hierarchies("35 22 0:30 / /proc/self rw - cgroup2 cgroup2 rw\n");
    ASSERT_FALSE(hidden);
    EXPECT_NE(hidden.error().message.find("hidden by another mount"), std::string::npos) << hidden.error().message;
}

} // namespace
} // namespace knell
