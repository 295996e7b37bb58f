#include "agent/attribution/make_place.hpp"

#include <gtest/gtest.h>

#include <string>

namespace knell {
namespace {

const std::string kId = "8f2a2a0ccbb54a0a3d4dbfbf1d0e1e3f6b1c9d6ad5e1f2b3c4d5e6f708192a3b";
const std::string kUid = "2c48913c-b29f-11e7-9350-020968147796";
const std::string kPodPath = "/kubepods/burstable/pod" + kUid + "/" + kId;
const std::string kQuadletPath = "/system.slice/web.service/libpod-payload-" + kId;

TEST(MakePlace, Automatic) {
    const Place container = make_place(kPodPath, AttributionMode::automatic);
    EXPECT_EQ(container.cgroup, kPodPath);
    EXPECT_EQ(container.container, "8f2a2a0ccbb5");
    EXPECT_EQ(container.container_id, kId);
    EXPECT_EQ(container.pod_uid, kUid);
    EXPECT_EQ(container.unit, "");
    EXPECT_EQ(container.name_space, "");
    EXPECT_EQ(container.pod, "");

    const Place unit = make_place("/system.slice/nginx.service", AttributionMode::automatic);
    EXPECT_EQ(unit.unit, "nginx.service");
    EXPECT_EQ(unit.container, "");

    EXPECT_EQ(make_place(kQuadletPath, AttributionMode::automatic).unit, "") << "a container is involved";
}

TEST(MakePlace, TheModeChoosesWhatIsSaid) {
    const Place kubernetes = make_place(kQuadletPath, AttributionMode::kubernetes);
    EXPECT_EQ(kubernetes.container_id, kId);
    EXPECT_EQ(kubernetes.unit, "");
    EXPECT_EQ(make_place("/system.slice/nginx.service", AttributionMode::kubernetes).unit, "");

    const Place systemd = make_place(kQuadletPath, AttributionMode::systemd);
    EXPECT_EQ(systemd.container_id, "");
    EXPECT_EQ(systemd.container, "");
    EXPECT_EQ(systemd.pod_uid, "");
    EXPECT_EQ(systemd.unit, "web.service");
    EXPECT_EQ(make_place(kPodPath, AttributionMode::systemd).pod_uid, "");

    const Place none = make_place(kQuadletPath, AttributionMode::none);
    EXPECT_EQ(none.cgroup, kQuadletPath);
    EXPECT_EQ(none.container_id + none.container + none.unit, "");
}

TEST(MakePlace, TheRootIsAPlaceWithoutNames) {
    const Place root = make_place("/", AttributionMode::automatic);
    EXPECT_EQ(root.cgroup, "/");
    EXPECT_EQ(root.container + root.unit + root.pod_uid, "");
}

TEST(MakePlace, ANameIsNotShortened) {
    EXPECT_EQ(make_place("/lxc.payload.production-web-1", AttributionMode::automatic).container, "production-web-1");
}

TEST(MakePlace, TextIsBoundedAndValid) {
    const Place unit =
        make_place("/system.slice/" + std::string(4000, '\xff') + ".service", AttributionMode::automatic);
    EXPECT_LE(unit.cgroup.size(), 512U);
    EXPECT_GT(unit.cgroup.size(), 508U);
    EXPECT_LE(unit.unit.size(), 253U);
    EXPECT_TRUE(unit.unit.starts_with("\uFFFD\uFFFD"));
    EXPECT_EQ(unit.unit.find('\xff'), std::string::npos);

    const Place named = make_place("/lxc.payload." + std::string(4000, 'n'), AttributionMode::automatic);
    EXPECT_EQ(named.container.size(), 253U);
    EXPECT_EQ(named.container_id.size(), 253U);
}

} // namespace
} // namespace knell
