#include "agent/observer/features.hpp"

#include "agent/pidfd/features.hpp"
#include "agent/pidfd/pidfd.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace knell {
namespace {

using testing::HasSubstr;

std::vector<Feature> without_bpf(BackendChoice backend, const Obstacles& obstacles) {
    auto choice = make_loop(backend);
    if (!choice) {
        ADD_FAILURE() << choice.error().message;
        return {};
    }
    return describe_features(nullptr, *choice->loop, obstacles);
}

Feature named(const std::vector<Feature>& features, const std::string& name) {
    const auto found = std::ranges::find(features, name, &Feature::name);
    if (found == features.end()) {
        ADD_FAILURE() << "no feature " << name;
        return {};
    }
    return *found;
}

TEST(Features, WithoutBpfEveryProgramIsOffAndSaysWhy) {
    const auto features = without_bpf(BackendChoice::epoll, {.bpf = "no BTF here", .io_uring = "blocked"});
    for (const char* name : {"exit", "signal", "fork", "exec", "oom_scope", "pidfd_creation"}) {
        const Feature feature = named(features, name);
        EXPECT_FALSE(feature.on()) << name;
        EXPECT_EQ(feature.why_not, "no BTF here") << name;
        EXPECT_NE(feature.remedy, "") << name;
    }
}

TEST(Features, EachOnce) {
    const auto features = without_bpf(BackendChoice::epoll, {});
    for (const Feature& feature : features) {
        EXPECT_EQ(std::ranges::count(features, feature.name, &Feature::name), 1) << feature.name;
    }
    EXPECT_EQ(features.size(), 11U);
}

TEST(Features, WatchingNeedsPidfsForTheReap) {
    const Feature watch = named(without_bpf(BackendChoice::epoll, {}), "watch");
    EXPECT_TRUE(watch.on());
    EXPECT_EQ(watch.why_not.empty(), available(PidfdFeature::pidfs));
    EXPECT_EQ(watch.remedy.empty(), available(PidfdFeature::pidfs));
}

TEST(Features, AFailedScanIsSaid) {
    const Obstacles obstacles{.scan = "no /proc here"};
    const Feature watch = named(without_bpf(BackendChoice::epoll, obstacles), "watch");
    EXPECT_TRUE(watch.on());
    EXPECT_THAT(watch.why_not, HasSubstr("no /proc here"));
}

TEST(Features, ANamespaceBelowTheInitialOneIsNotTheNode) {
    EXPECT_TRUE(named(without_bpf(BackendChoice::epoll, {}), "host_processes").on());
    const Feature below = named(without_bpf(BackendChoice::epoll, {.host_processes = "below"}), "host_processes");
    EXPECT_FALSE(below.on());
    EXPECT_EQ(below.why_not, "below");
    EXPECT_THAT(below.remedy, HasSubstr("hostPID: true"));
}

TEST(Features, HeldPidfdsAreCountedInPartOrNotAtAll) {
    const auto held = [](const Obstacles& obstacles) {
        return named(without_bpf(BackendChoice::epoll, obstacles), "held_pidfds");
    };
    EXPECT_EQ(held({}).hook, "iter/task_file");
    EXPECT_EQ(held({}).why_not, "");
    const Feature part = held({.held_pidfds = "there are more"});
    EXPECT_TRUE(part.on());
    EXPECT_EQ(part.why_not, "there are more");
    const Feature off = held({.held_pidfds = "no iterators", .counts_held_pidfds = false});
    EXPECT_FALSE(off.on());
    EXPECT_EQ(off.why_not, "no iterators");
    EXPECT_THAT(off.remedy, HasSubstr("iterators"));
}

TEST(Features, LoopNamesItsBackend) {
    const Feature chosen = named(without_bpf(BackendChoice::epoll, {}), "event_loop");
    EXPECT_EQ(chosen.hook, "epoll");
    EXPECT_EQ(chosen.why_not, "") << "epoll was asked for";
    EXPECT_EQ(chosen.remedy, "");

    const Feature fallen_back =
        named(without_bpf(BackendChoice::epoll, {.io_uring = "seccomp says EPERM"}), "event_loop");
    EXPECT_EQ(fallen_back.hook, "epoll");
    EXPECT_EQ(fallen_back.why_not, "seccomp says EPERM");
    EXPECT_THAT(fallen_back.remedy, HasSubstr("io_uring"));
}

TEST(Features, AttributionSaysWhatIsMissing) {
    const Feature on = named(without_bpf(BackendChoice::epoll, {}), "attribution");
    EXPECT_TRUE(on.on());
    EXPECT_EQ(on.remedy, "");
    const Feature off = named(without_bpf(BackendChoice::epoll, {.cgroups = "nothing is mounted"}), "attribution");
    EXPECT_FALSE(off.on());
    EXPECT_EQ(off.why_not, "nothing is mounted");
    EXPECT_THAT(off.remedy, HasSubstr("cgroup2"));
}

} // namespace
} // namespace knell
