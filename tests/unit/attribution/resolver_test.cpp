#include "agent/attribution/resolver.hpp"

#include <gtest/gtest.h>

#include <string>

// What needs no cgroup file system; live_cgroup_test.cpp has the rest.

namespace knell {
namespace {

TEST(PlaceResolver, WithoutHierarchiesNothingIsKnownById) {
    PlaceResolver resolver({}, AttributionMode::automatic, NamePaths{});
    for (const CgroupIds ids :
         {CgroupIds{}, CgroupIds{.v2 = 1, .v1_memory = 0}, CgroupIds{.v2 = 42, .v1_memory = 43}}) {
        const Resolved resolved = resolver.resolve(ids);
        EXPECT_EQ(resolved.place, nullptr);
        EXPECT_EQ(resolved.miss, Miss::no_cgroup);
        EXPECT_FALSE(resolved.first_seen);
        EXPECT_FALSE(resolver.gone(ids));
    }
}

TEST(PlaceResolver, OnePlacePerPath) {
    PlaceResolver resolver({}, AttributionMode::automatic, NamePaths{});
    const auto nginx = resolver.resolve_path("/system.slice/nginx.service").place;
    ASSERT_NE(nginx, nullptr);
    EXPECT_EQ(nginx->unit, "nginx.service");
    EXPECT_EQ(resolver.resolve_path("/system.slice/nginx.service").place, nginx);
    EXPECT_NE(resolver.resolve_path("/system.slice/cron.service").place, nginx);
}

TEST(PlaceResolver, TheModeAppliesToPaths) {
    PlaceResolver resolver({}, AttributionMode::none, NamePaths{});
    EXPECT_EQ(resolver.resolve_path("/system.slice/nginx.service").place->unit, "");
}

TEST(PlaceResolver, PathsAreForgottenWhenThereAreTooMany) {
    PlaceResolver resolver({}, AttributionMode::automatic, NamePaths{}, 2);
    const auto first = resolver.resolve_path("/first.service").place;
    (void)resolver.resolve_path("/second.service");
    (void)resolver.resolve_path("/third.service");
    const auto again = resolver.resolve_path("/first.service").place;
    EXPECT_NE(again, first);
    EXPECT_EQ(again->unit, first->unit) << "an evicted place lives on with whoever holds it";
}

TEST(PlaceResolver, LongPathsAreAnsweredButNotRemembered) {
    PlaceResolver resolver({}, AttributionMode::automatic, NamePaths{});
    const std::string path = "/" + std::string(4000, 'x') + "/a.service";
    const auto place = resolver.resolve_path(path).place;
    EXPECT_EQ(place->unit, "a.service");
    EXPECT_NE(resolver.resolve_path(path).place, place);
}

TEST(PlaceResolver, APathThatWasCutIsNotNamedAgain) {
    PlaceResolver resolver({}, AttributionMode::automatic, NamePaths{});
    const std::string id(64, 'a');
    const std::string path = "/" + std::string(600, 'x') + "/docker/" + id;
    const auto place = resolver.resolve_path(path).place;
    ASSERT_EQ(place->container_id, id);
    const Resolved again = resolver.name_again({}, path, *place);
    EXPECT_EQ(again.place, nullptr);
    EXPECT_EQ(again.unnamed, NameMiss::no_metadata);
    EXPECT_FALSE(again.first_seen);
}

} // namespace
} // namespace knell
