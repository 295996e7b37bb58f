#include "agent/observer/sender_place.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace knell {
namespace {

Place container(const std::string& id) {
    Place place;
    place.cgroup = "/docker/" + id;
    place.container_id = id;
    return place;
}

// A service of the system's manager.
Place service(const std::string& unit) {
    Place place;
    place.cgroup = "/system.slice/" + unit;
    place.unit = unit;
    return place;
}

TEST(SenderPlace, NextToItsVictim) {
    struct Row {
        const char* name;
        std::optional<Place> sender;
        std::optional<Place> victim;
        bool known;
        bool same;
        bool in_container;
        bool victim_in_container;
        std::string unit;
    };
    const Place nowhere;
    const Row rows[] = {
        {"nothing known", std::nullopt, std::nullopt, false, false, false, false, ""},
        {"sender not known", std::nullopt, container("a"), false, false, false, false, ""},
        {"victim not known", container("a"), std::nullopt, true, false, true, false, ""},
        {"one container", container("a"), container("a"), true, true, true, true, ""},
        {"two containers", container("a"), container("b"), true, false, true, true, ""},
        {"from the host into a container", service("ssh.service"), container("a"), true, false, false, true,
         "ssh.service"},
        {"out of a container", container("a"), service("ssh.service"), true, false, true, false, ""},
        {"one unit", service("a.service"), service("a.service"), true, true, false, false, "a.service"},
        {"two units", service("a.service"), service("b.service"), true, false, false, false, "a.service"},
        {"neither container nor unit is no common place", nowhere, nowhere, true, false, false, false, ""},
    };
    for (const Row& row : rows) {
        const SenderPlace place =
            compare_places(row.sender ? &*row.sender : nullptr, row.victim ? &*row.victim : nullptr);
        EXPECT_EQ(place.known, row.known) << row.name;
        EXPECT_EQ(place.same_place_as_victim, row.same) << row.name;
        EXPECT_EQ(place.in_container, row.in_container) << row.name;
        EXPECT_EQ(place.victim_in_container, row.victim_in_container) << row.name;
        EXPECT_EQ(place.unit, row.unit) << row.name;
    }
}

// Below a user's manager the user picks the name.
TEST(SenderPlace, AUsersUnitIsNoUnitOfTheSystem) {
    Place sender;
    sender.cgroup = "/user.slice/user-1000.slice/user@1000.service/app.slice/kubelet.service";
    sender.unit = "kubelet.service";
    EXPECT_NE(compare_places(&sender, nullptr).unit, "kubelet.service");
}

} // namespace
} // namespace knell
