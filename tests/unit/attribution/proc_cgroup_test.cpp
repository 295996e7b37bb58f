#include "agent/attribution/proc_cgroup.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace knell {
namespace {

TEST(ProcCgroup, Paths) {
    struct Case {
        std::string_view text;
        std::string_view path;
    };
    const Case cases[] = {
        {"0::/system.slice/nginx.service\n", "/system.slice/nginx.service"},
        {"0::/", "/"},
        // v1
        {"11:cpuset:/\n4:memory:/docker/abc\n1:name=systemd:/docker/abc\n", "/docker/abc"},
        {"4:hugetlb,memory,pids:/docker/abc\n", "/docker/abc"},
        // hybrid: v2 unless it says "/"
        {"4:memory:/process_api/1\n1:cpu:/\n0::/\n", "/process_api/1"},
        {"4:memory:/user.slice\n0::/user.slice/session-1.scope\n", "/user.slice/session-1.scope"},
        {"4:memory:/\n0::/\n", "/"},
        // from inside a cgroup namespace
        {"0::/../../burstable/podx\n", "/../../burstable/podx"},
        // names that look like something else
        {"0::/a:b::c/memory\n", "/a:b::c/memory"},
        {"1:name=memory:/no\n2:memoryx:/no\n3:xmemory:/no\n0::/yes\n", "/yes"},
        {"0::/gone (deleted)\n", "/gone"},
    };
    for (const Case& c : cases) {
        const auto path = path_from_proc_cgroup(c.text);
        ASSERT_TRUE(path) << c.text << path.error().message;
        EXPECT_EQ(*path, c.path) << c.text;
    }
}

TEST(ProcCgroup, NoUsableLine) {
    for (const std::string_view text :
         {"", "\n", "garbage", "0:", "0::", "0::relative", "1:cpu:/x\n", "5:name=systemd:/x\n", "0:memory"}) {
        EXPECT_FALSE(path_from_proc_cgroup(text)) << text;
    }
}

} // namespace
} // namespace knell
