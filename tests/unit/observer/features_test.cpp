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
    const auto features =
        without_bpf(BackendChoice::epoll, {.bpf = "no BTF here", .cgroups = "", .io_uring = "blocked", .scan = ""});
    for (const char* name : {"exit", "signal", "fork", "exec", "oom_scope"}) {
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
    EXPECT_EQ(features.size(), 8U);
}

TEST(Features, WatchingNeedsPidfsForTheReap) {
    const Feature watch = named(without_bpf(BackendChoice::epoll, {}), "watch");
    EXPECT_TRUE(watch.on());
    EXPECT_EQ(watch.why_not.empty(), available(PidfdFeature::pidfs));
    EXPECT_EQ(watch.remedy.empty(), available(PidfdFeature::pidfs));
}

TEST(Features, AFailedScanIsSaid) {
    const Obstacles obstacles{.bpf = "", .cgroups = "", .io_uring = "", .scan = "no /proc here"};
    const Feature watch = named(without_bpf(BackendChoice::epoll, obstacles), "watch");
    EXPECT_TRUE(watch.on());
    EXPECT_THAT(watch.why_not, HasSubstr("no /proc here"));
}

TEST(Features, LoopNamesItsBackend) {
    const Feature chosen = named(without_bpf(BackendChoice::epoll, {}), "event_loop");
    EXPECT_EQ(chosen.hook, "epoll");
    EXPECT_EQ(chosen.why_not, "") << "epoll was asked for";
    EXPECT_EQ(chosen.remedy, "");

    const Feature fallen_back = named(
        without_bpf(BackendChoice::epoll, {.bpf = "", .cgroups = "", .io_uring = "seccomp says EPERM", .scan = ""}),
        "event_loop");
    EXPECT_EQ(fallen_back.hook, "epoll");
    EXPECT_EQ(fallen_back.why_not, "seccomp says EPERM");
    EXPECT_THAT(fallen_back.remedy, HasSubstr("io_uring"));
}

TEST(Features, AttributionSaysWhatIsMissing) {
    const Feature on = named(without_bpf(BackendChoice::epoll, {}), "attribution");
    EXPECT_TRUE(on.on());
    EXPECT_EQ(on.remedy, "");
    const Feature off = named(
        without_bpf(BackendChoice::epoll, {.bpf = "", .cgroups = "nothing is mounted", .io_uring = "", .scan = ""}),
        "attribution");
    EXPECT_FALSE(off.on());
    EXPECT_EQ(off.why_not, "nothing is mounted");
    EXPECT_THAT(off.remedy, HasSubstr("cgroup2"));
}

} // namespace
} // namespace knell
