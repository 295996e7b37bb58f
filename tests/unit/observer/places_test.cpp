#include "agent/observer/places.hpp"

#include "agent/attribution/hierarchies.hpp"
#include "agent/pidfd/procfd.hpp"
#include "tests/support/cgroup.hpp"
#include "tests/support/children.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace knell::test {
namespace {

constexpr CgroupIds kSome{.v2 = 42, .v1_memory = 43};

Places without_hierarchies(Ledger& ledger) {
    return Places(PlaceResolver(Hierarchies{}, AttributionMode::automatic, NamePaths{}), ledger);
}

Fd own_directory() {
    return value_of(procfd::open(value_of(Pidfd::open(::getpid()))));
}

TEST(Places, WithoutHierarchiesAnExitIsCountedAsSuch) {
    Ledger ledger{LedgerLimits{}};
    Places places = without_hierarchies(ledger);
    EXPECT_EQ(places.find(kSome), nullptr);
    EXPECT_EQ(places.unattributed(Unattributed::no_cgroup), 0U) << "only exits count";
    EXPECT_EQ(places.find_for_exit(kSome), nullptr);
    EXPECT_EQ(places.find_for_exit({}), nullptr);
    EXPECT_EQ(places.unattributed(Unattributed::no_cgroup), 2U);
    EXPECT_EQ(places.find_for_exit(kSome, nullptr, 5), nullptr);
    EXPECT_EQ(places.unattributed(Unattributed::no_cgroup), 7U) << "a spilled record stands for many";
    EXPECT_EQ(places.unattributed(Unattributed::cgroup_gone), 0U);
    EXPECT_EQ(places.unattributed(Unattributed::cgroup_unreadable), 0U);
}

TEST(Places, AProcessInProcHasItsPathAsPlace) {
    Ledger ledger{LedgerLimits{}};
    Places places = without_hierarchies(ledger);
    const auto place = places.find_for_process(own_directory());
    ASSERT_NE(place, nullptr);
    EXPECT_TRUE(place->cgroup.starts_with('/')) << place->cgroup;
    EXPECT_EQ(places.find_for_process(own_directory()), place);
}

TEST(Places, AReapedProcessHasNone) {
    Ledger ledger{LedgerLimits{}};
    Places places = without_hierarchies(ledger);
    Process child = start_sleeper();
    const Fd directory = value_of(procfd::open(value_of(Pidfd::open(child.pid()))));
    ASSERT_TRUE(child.kill(SIGKILL));
    (void)value_of(child.wait());
    EXPECT_EQ(places.find_for_process(directory), nullptr);
}

// In a real cgroup, named as a container of docker's.
class LivePlaces : public testing::Test {
  protected:
    static constexpr Nanoseconds kRetain = 5 * kSecond;

    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "needs root: makes a cgroup";
        }
        auto hierarchies = open_hierarchies();
        if (!hierarchies || !hierarchies->v2) {
            GTEST_SKIP() << "no cgroup v2 hierarchy is mounted";
        }
        auto group = TestCgroup::unified();
        if (!group) {
            GTEST_SKIP() << group.error().message;
        }
        group_.emplace(std::move(*group));
        auto directory = TempDir::create();
        ASSERT_TRUE(directory) << directory.error().message;
        directory_.emplace(std::move(*directory));
        const std::string docker = directory_->path();
        names_ = {.containerd = {}, .storage = {}, .docker = {docker}, .container_logs = {}, .pod_logs = {}};
        container_ = group_->path() / ("docker-" + std::string(64, 'a') + ".scope");
        ASSERT_TRUE(std::filesystem::create_directory(container_));
        struct stat info{};
        ASSERT_EQ(::stat(container_.c_str(), &info), 0);
        ids_ = {.v2 = info.st_ino, .v1_memory = 0};
        places_.emplace(PlaceResolver(std::move(*hierarchies), AttributionMode::automatic, names_), ledger_);
    }
    void TearDown() override { remove(); }

    void remove() {
        if (!container_.empty()) {
            ::rmdir(container_.c_str());
        }
    }
    // As docker calls it.
    void name_it() const {
        const auto config = directory_->path() / "containers" / std::string(64, 'a') / "config.v2.json";
        std::filesystem::create_directories(config.parent_path());
        std::ofstream(config) << R"({"Name":"/db"})";
    }
    // Its workload is shown.
    [[nodiscard]] bool shown(const std::string& container = std::string(12, 'a')) const {
        for (const auto& workload : ledger_.workloads()) {
            if (workload->labels().container == container) {
                return true;
            }
        }
        return false;
    }

    std::optional<TempDir> directory_;
    NamePaths names_;
    std::optional<TestCgroup> group_;
    std::filesystem::path container_;
    CgroupIds ids_;
    Ledger ledger_{LedgerLimits{.pod_label = false, .max_series = 20000, .retain = kRetain}};
    std::optional<Places> places_;
};

TEST_F(LivePlaces, AppearsAtFirstSightAndGoesSomeTimeAfterItsCgroup) {
    EXPECT_FALSE(shown());
    const auto place = places_->find(ids_);
    ASSERT_NE(place, nullptr);
    EXPECT_EQ(place->container_id, std::string(64, 'a'));
    EXPECT_TRUE(shown()) << "with its zeros, before any death";

    const Instant start = 1000 * kSecond;
    places_->maintain(start);
    places_->maintain(start + 10 * kRetain);
    EXPECT_TRUE(shown()) << "its cgroup exists";

    remove();
    const Instant removed = start + 20 * kRetain;
    places_->maintain(removed);
    EXPECT_TRUE(shown()) << "retained";
    EXPECT_EQ(places_->find_for_exit(ids_), place) << "late deaths have their place";
    EXPECT_EQ(places_->unattributed(Unattributed::cgroup_gone), 0U);
    places_->maintain(removed + kRetain - kSecond);
    EXPECT_TRUE(shown());
    places_->maintain(removed + kRetain);
    EXPECT_FALSE(shown());
}

TEST_F(LivePlaces, LooksOnceASecondAtMost) {
    ASSERT_NE(places_->find(ids_), nullptr);
    const Instant start = 1000 * kSecond;
    places_->maintain(start);
    remove();
    places_->maintain(start + kSecond - 1); // too early to look
    places_->maintain(start + kSecond);     // looks: gone since now
    places_->maintain(start + kSecond + kRetain - 1);
    EXPECT_TRUE(shown()) << "retained from the look on";
    places_->maintain(start + 2 * kSecond + kRetain);
    EXPECT_FALSE(shown());
}

TEST_F(LivePlaces, ANameThatComesLateIsTakenOver) {
    const auto before = places_->find(ids_);
    const Instant start = 1000 * kSecond;
    places_->maintain(start);
    name_it();
    places_->maintain(start + kSecond);
    const auto after = places_->find(ids_);
    EXPECT_EQ(after->container, "db");
    EXPECT_EQ(after->container_id, before->container_id);
    EXPECT_TRUE(shown("db"));
    EXPECT_EQ(places_->unnamed(NameMiss::no_metadata), 0U);
    places_->maintain(start + kSecond + kRetain);
    EXPECT_FALSE(shown()) << "the id went as a removed cgroup does";
    EXPECT_TRUE(shown("db"));
    remove();
    places_->maintain(start + 10 * kRetain);
    places_->maintain(start + 11 * kRetain);
    EXPECT_FALSE(shown("db"));
}

TEST_F(LivePlaces, ANameThatComesWhenTheCgroupIsGoneComesTooLate) {
    ASSERT_NE(places_->find(ids_), nullptr);
    remove();
    const Instant start = 1000 * kSecond;
    places_->maintain(start);
    EXPECT_EQ(places_->unnamed(NameMiss::no_metadata), 1U);
    name_it();
    places_->maintain(start + kRetain);
    places_->maintain(start + 10 * kRetain);
    EXPECT_FALSE(shown("db")) << "nobody would ever say that it is gone";
    EXPECT_FALSE(shown());
}

// As on a hybrid host, where a process enters one hierarchy after the other.
TEST_F(LivePlaces, AContainerOfSeveralPlacesIsOne) {
    const auto first = places_->find(ids_);
    const auto second = places_->find({.v2 = ids_.v2, .v1_memory = 42});
    ASSERT_NE(first, second);
    for (Instant now = 1000 * kSecond; now < 1100 * kSecond; now += kSecond) {
        places_->maintain(now);
    }
    EXPECT_EQ(places_->unnamed(NameMiss::no_metadata), 1U);
    ASSERT_NE(places_->find({.v2 = ids_.v2, .v1_memory = 43}), nullptr);
    for (Instant now = 1100 * kSecond; now < 1200 * kSecond; now += kSecond) {
        places_->maintain(now);
    }
    EXPECT_EQ(places_->unnamed(NameMiss::no_metadata), 1U) << "also when it is seen again";
}

TEST_F(LivePlaces, ALateNameIsThatOfAllItsPlaces) {
    const CgroupIds others{.v2 = ids_.v2, .v1_memory = 42};
    ASSERT_NE(places_->find(ids_), places_->find(others));
    places_->maintain(1000 * kSecond);
    name_it();
    places_->maintain(1001 * kSecond);
    EXPECT_EQ(places_->find(ids_)->container, "db");
    EXPECT_EQ(places_->find(others)->container, "db");
}

TEST_F(LivePlaces, ANameIsLookedForAFewTimes) {
    ASSERT_NE(places_->find(ids_), nullptr);
    for (Instant now = 1000 * kSecond; now < 1100 * kSecond; now += kSecond) {
        places_->maintain(now);
    }
    EXPECT_EQ(places_->unnamed(NameMiss::no_metadata), 1U);
    name_it();
    places_->maintain(1200 * kSecond);
    EXPECT_FALSE(shown("db"));
}

TEST_F(LivePlaces, ACgroupThatWasNeverSeenAliveIsCountedAsGone) {
    remove();
    EXPECT_EQ(places_->find_for_exit(ids_), nullptr);
    EXPECT_EQ(places_->unattributed(Unattributed::cgroup_gone), 1U);
}

TEST_F(LivePlaces, ACgroupThatIsGoneIsThePlaceThatWasKnownBefore) {
    remove();
    const auto before = std::make_shared<const Place>();
    EXPECT_EQ(places_->find_for_exit(ids_, before), before);
    EXPECT_EQ(places_->unattributed(Unattributed::cgroup_gone), 0U);
}

// As processes are that lived before we came.
TEST_F(LivePlaces, FoundByItsPathItGoesTheSameWay) {
    const Instant start = 1000 * kSecond;
    {
        auto child = Process::start({die_path(), "sleep"}, {.cgroup_procs = container_ / "cgroup.procs"});
        ASSERT_TRUE(child) << child.error().message;
        const auto place = places_->find_for_process(value_of(procfd::open(value_of(Pidfd::open(child->pid())))));
        ASSERT_NE(place, nullptr);
        EXPECT_EQ(place->container_id, std::string(64, 'a')) << place->cgroup;
        EXPECT_TRUE(shown());
        places_->maintain(start);
        places_->maintain(start + 10 * kRetain);
        EXPECT_TRUE(shown()) << "its cgroup exists";
    }
    remove();
    places_->maintain(start + 20 * kRetain);
    EXPECT_TRUE(shown()) << "retained";
    places_->maintain(start + 21 * kRetain);
    EXPECT_FALSE(shown());
}

} // namespace
} // namespace knell::test
