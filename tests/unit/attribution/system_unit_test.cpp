#include "agent/attribution/system_unit.hpp"

#include <gtest/gtest.h>

namespace knell {
namespace {

TEST(SystemUnit, OnlyTheSystemsManagerNamesIt) {
    struct Case {
        std::string_view path;
        std::string_view unit;
    };
    const Case cases[] = {
        {"/system.slice/kubelet.service", "kubelet.service"},
        {"/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service"},
        {"/system.slice/kubelet.service/sub/cgroup", "kubelet.service"},
        {"/system.slice/docker-0123.scope", "docker-0123.scope"},
        // A delegated subtree calls itself what it likes.
        {"/system.slice/job.service/kubelet.service", "job.service"},
        {"/system.slice/mine/kubelet.service", ""},
        // So does a user's manager.
        {"/user.slice/user-1000.slice/user@1000.service/app.slice/kubelet.service", ""},
        {"/kubelet.service", ""},
        {"/machine.slice/system.slice/kubelet.service", ""},
        {"/system.slice/", ""},
        {"/system.slice", ""},
        {"/system.slice/a.slice", ""},
        {"/", ""},
        {"", ""},
    };
    for (const Case& test : cases) {
        EXPECT_EQ(system_unit(test.path), test.unit) << test.path;
    }
}

} // namespace
} // namespace knell
