#include "agent/attribution/hierarchies.hpp"
#include "agent/attribution/resolver.hpp"
#include "agent/base/file.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <thread>

// Against the kernel: real cgroups in whatever hierarchies this machine has. Needs root.

namespace knell {
namespace {

// The kernfs id of a directory, by the way that also works where st_ino has 32 bits.
std::uint64_t id_of(const std::string& directory) {
    alignas(file_handle) std::array<std::byte, sizeof(file_handle) + sizeof(std::uint64_t)> buffer{};
    auto* const handle = reinterpret_cast<file_handle*>(buffer.data());
    handle->handle_bytes = sizeof(std::uint64_t);
    int mount_id = 0;
    std::uint64_t id = 0;
    if (::name_to_handle_at(AT_FDCWD, directory.c_str(), handle, &mount_id, 0) == 0) {
        std::memcpy(&id, buffer.data() + offsetof(file_handle, f_handle), sizeof(id));
    }
    return id;
}

// A cgroup that is removed with this object.
class ScopedCgroup {
  public:
    explicit ScopedCgroup(std::string directory) : directory_(std::move(directory)) {
        made_ = ::mkdir(directory_.c_str(), 0755) == 0;
        id_ = id_of(directory_);
    }
    ScopedCgroup(const ScopedCgroup&) = delete;
    ScopedCgroup& operator=(const ScopedCgroup&) = delete;
    ~ScopedCgroup() { remove(); }

    void remove() {
        if (made_) {
            EXPECT_EQ(::rmdir(directory_.c_str()), 0) << directory_ << ": " << std::strerror(errno);
        }
        made_ = false;
    }
    [[nodiscard]] bool made() const { return made_ && id_ != 0; }
    [[nodiscard]] std::uint64_t id() const { return id_; }
    [[nodiscard]] const std::string& directory() const { return directory_; }

  private:
    std::string directory_;
    bool made_ = false;
    std::uint64_t id_ = 0;
};

// Runs `body` in a thread without CAP_DAC_READ_SEARCH: capabilities belong to the thread.
void without_dac_read_search(const std::function<void()>& body) {
    std::thread([&] {
        __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
        std::array<__user_cap_data_struct, 2> data{};
        ASSERT_EQ(::syscall(SYS_capget, &header, data.data()), 0);
        data[0].effective &= ~(1U << CAP_DAC_READ_SEARCH);
        ASSERT_EQ(::syscall(SYS_capset, &header, data.data()), 0);
        body();
    }).join();
}

// What the resolver answers while no descriptor can be opened. Nothing else runs meanwhile: UBSan's own checks need
// one.
Resolved resolve_without_descriptors(PlaceResolver& places, CgroupIds ids) {
    rlimit saved{};
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &saved), 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = saved.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    Resolved resolved = places.resolve(ids);
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &saved), 0);
    return resolved;
}

class LiveCgroup : public testing::TestWithParam<bool> {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "needs root: makes cgroups and opens them by id";
        }
        auto hierarchies = open_hierarchies();
        if (!hierarchies) {
            GTEST_SKIP() << hierarchies.error().message;
        }
        auto& mount = GetParam() ? hierarchies->v1_memory : hierarchies->v2;
        if (!mount) {
            GTEST_SKIP() << "this machine does not have the hierarchy mounted";
        }
        mount_ = std::move(*mount);
        path_ = (mount_.root == "/" ? "" : mount_.root) + "/" + unit();
        if (const auto root = open_cgroup(mount_, id_of(mount_.link)); !root) {
            GTEST_SKIP() << root.error().message;
        }
        cgroup_.emplace(mount_.link + "/" + unit());
        if (!cgroup_->made()) {
            GTEST_SKIP() << "cannot make the cgroup " << cgroup_->directory();
        }
    }

    // Unique for concurrent runs of the test.
    static std::string unit() { return "knell-test-" + std::to_string(::getpid()) + ".service"; }
    [[nodiscard]] CgroupIds ids() const {
        return GetParam() ? CgroupIds{.v2 = 0, .v1_memory = cgroup_->id()}
                          : CgroupIds{.v2 = cgroup_->id(), .v1_memory = 0};
    }
    // What follows the mount point in a line of mountinfo.
    static std::string mountinfo_tail() {
        return GetParam() ? " rw - cgroup cgroup rw,memory\n" : " rw - cgroup2 cgroup2 rw\n";
    }
    // Over this hierarchy alone; takes the mount away from the test.
    PlaceResolver resolver() {
        Hierarchies only;
        (GetParam() ? only.v1_memory : only.v2) = std::move(mount_);
        return {std::move(only), AttributionMode::automatic, NamePaths{}};
    }

    Mount mount_;
    std::string path_; // of cgroup_ within its hierarchy
    std::optional<ScopedCgroup> cgroup_;
};

INSTANTIATE_TEST_SUITE_P(Hierarchy, LiveCgroup, testing::Bool(),
                         [](const auto& instance) { return instance.param ? "V1Memory" : "V2"; });

TEST_P(LiveCgroup, TheInodeNumberIsTheId) {
    struct stat status{};
    ASSERT_EQ(::stat(cgroup_->directory().c_str(), &status), 0);
    if (sizeof(status.st_ino) < sizeof(std::uint64_t)) {
        GTEST_SKIP() << "inode numbers are shorter than ids here";
    }
    EXPECT_EQ(status.st_ino, cgroup_->id());
}

TEST_P(LiveCgroup, AnIdBecomesAPath) {
    const auto path_of_id = cgroup_path(mount_, cgroup_->id());
    ASSERT_TRUE(path_of_id) << path_of_id.error().message;
    EXPECT_EQ(*path_of_id, path_);

    const ScopedCgroup inner(cgroup_->directory() + "/inner");
    const auto path_of_inner = cgroup_path(mount_, inner.id());
    ASSERT_TRUE(path_of_inner) << path_of_inner.error().message;
    EXPECT_EQ(*path_of_inner, path_ + "/inner");

    const auto root = cgroup_path(mount_, id_of(mount_.link));
    ASSERT_TRUE(root) << root.error().message;
    EXPECT_EQ(*root, mount_.root);
}

TEST_P(LiveCgroup, ARemovedCgroupIsStale) {
    const std::uint64_t id = cgroup_->id();
    cgroup_->remove();
    const auto path_of_id = cgroup_path(mount_, id);
    ASSERT_FALSE(path_of_id);
    EXPECT_EQ(path_of_id.error().errno_value, ESTALE);

    const ScopedCgroup same_name(cgroup_->directory());
    EXPECT_NE(same_name.id(), id);
    EXPECT_FALSE(cgroup_path(mount_, id));
}

TEST_P(LiveCgroup, AnAnswerOutlastsItsCgroup) {
    PlaceResolver places = resolver();
    const Resolved first = places.resolve(ids());
    ASSERT_NE(first.place, nullptr);
    EXPECT_EQ(first.place->cgroup, path_);
    EXPECT_EQ(first.place->unit, unit());
    EXPECT_EQ(first.miss, Miss::none);
    EXPECT_TRUE(first.first_seen);
    EXPECT_FALSE(places.gone(ids()));

    cgroup_->remove();
    const Resolved second = places.resolve(ids());
    EXPECT_EQ(second.place, first.place);
    EXPECT_EQ(second.miss, Miss::none);
    EXPECT_FALSE(second.first_seen);
    EXPECT_TRUE(places.gone(ids()));
}

TEST_P(LiveCgroup, AMissIsRemembered) {
    PlaceResolver places = resolver();
    cgroup_->remove();
    const Resolved first = places.resolve(ids());
    EXPECT_EQ(first.place, nullptr);
    EXPECT_EQ(first.miss, Miss::cgroup_gone);
    EXPECT_FALSE(first.first_seen);
    // A second question to the kernel would be answered with EPERM now.
    without_dac_read_search([&] { EXPECT_EQ(places.resolve(ids()).miss, Miss::cgroup_gone); });
    EXPECT_TRUE(places.gone(ids()));
}

TEST_P(LiveCgroup, WithoutTheCapabilityItIsUnreadable) {
    PlaceResolver places = resolver();
    without_dac_read_search([&] {
        EXPECT_EQ(places.resolve(ids()).miss, Miss::cgroup_unreadable);
        EXPECT_FALSE(places.gone(ids()));
    });
}

TEST_P(LiveCgroup, APassingRefusalIsNotRemembered) {
    PlaceResolver places = resolver();
    EXPECT_EQ(resolve_without_descriptors(places, ids()).miss, Miss::cgroup_unreadable);
    EXPECT_EQ(places.resolve(ids()).miss, Miss::none);
    EXPECT_EQ(resolve_without_descriptors(places, ids()).miss, Miss::none) << "a known place costs no descriptor";
}

TEST_P(LiveCgroup, AMountOfTheWholeTreeIsPreferred) {
    if (!mount_.whole) {
        GTEST_SKIP() << "only a part of the tree is mounted here";
    }
    const std::string part = "1 2 0:3 /x " + cgroup_->directory() + mountinfo_tail();
    const std::string whole = "1 2 0:3 /../.. " + mount_.link + mountinfo_tail();
    for (const std::string& mountinfo : {part + whole, whole + part}) {
        const auto hierarchies = open_hierarchies(mountinfo);
        ASSERT_TRUE(hierarchies) << hierarchies.error().message;
        const auto& chosen = GetParam() ? hierarchies->v1_memory : hierarchies->v2;
        ASSERT_TRUE(chosen);
        EXPECT_EQ(chosen->link, mount_.link);
        EXPECT_EQ(chosen->root, "/");
    }
}

TEST_P(LiveCgroup, AMountThatCannotBeUsedIsReported) {
    const auto hierarchies = open_hierarchies("1 2 0:3 / /nonexistent/cgroup" + mountinfo_tail() + "1 2 0:3 / " +
                                              mount_.link + mountinfo_tail());
    ASSERT_TRUE(hierarchies) << hierarchies.error().message;
    ASSERT_EQ(hierarchies->refused.size(), 1U);
    EXPECT_EQ(hierarchies->refused[0].errno_value, ENOENT);
}

// As in a container: only a part of the tree is mounted. Its own mount namespace, in a thread of its own.
TEST_P(LiveCgroup, APartOfTheTreeIsMounted) {
    const ScopedCgroup inner(cgroup_->directory() + "/inner");
    const ScopedCgroup outside(cgroup_->directory() + "-outside");
    ASSERT_TRUE(inner.made() && outside.made());
    char mount_point[] = "/tmp/knell-test-XXXXXX";
    ASSERT_NE(::mkdtemp(mount_point), nullptr);
    std::thread([&] {
        ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
        ASSERT_EQ(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
        ASSERT_EQ(::mount(cgroup_->directory().c_str(), mount_point, nullptr, MS_BIND, nullptr), 0);
        const auto mountinfo = read_small_file(AT_FDCWD, "/proc/thread-self/mountinfo", 1 << 20);
        ASSERT_TRUE(mountinfo);
        const std::size_t line = mountinfo->rfind('\n', mountinfo->find(mount_point)) + 1;
        const auto part = open_hierarchies(std::string_view(*mountinfo).substr(line));
        ASSERT_TRUE(part) << part.error().message;
        const Mount& mount = GetParam() ? *part->v1_memory : *part->v2;
        EXPECT_FALSE(mount.whole);

        EXPECT_EQ(cgroup_path(mount, cgroup_->id()).value_or("no path"), path_);
        EXPECT_EQ(cgroup_path(mount, inner.id()).value_or("no path"), path_ + "/inner");
        EXPECT_EQ(cgroup_path(mount, outside.id()).value_or("no path"), "no path");
    }).join();
    EXPECT_EQ(::rmdir(mount_point), 0);
}

// Both hierarchies at once, on machines that have both.
TEST(LiveHybrid, TheV1TreeSpeaksForProcessesInTheV2Root) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: makes cgroups and opens them by id";
    }
    auto hierarchies = open_hierarchies();
    if (!hierarchies || !hierarchies->v2 || !hierarchies->v1_memory || !hierarchies->v2->whole) {
        GTEST_SKIP() << "not a hybrid host";
    }
    const std::string name = "/knell-hybrid-" + std::to_string(::getpid());
    const ScopedCgroup v2(hierarchies->v2->link + name + "-v2");
    const ScopedCgroup v1(hierarchies->v1_memory->link + name + "-v1");
    const CgroupIds roots{.v2 = id_of(hierarchies->v2->link), .v1_memory = id_of(hierarchies->v1_memory->link)};
    if (!v2.made() || !v1.made()) {
        GTEST_SKIP() << "cannot make cgroups";
    }
    PlaceResolver places(std::move(*hierarchies), AttributionMode::automatic, NamePaths{});
    EXPECT_EQ(places.resolve({.v2 = v2.id(), .v1_memory = v1.id()}).place->cgroup, name + "-v2");
    EXPECT_EQ(places.resolve({.v2 = roots.v2, .v1_memory = v1.id()}).place->cgroup, name + "-v1");
    const auto root = places.resolve(roots);
    ASSERT_NE(root.place, nullptr);
    EXPECT_EQ(root.place->cgroup, "/");
    EXPECT_EQ(root.miss, Miss::none);

    ScopedCgroup late(v1.directory() + "/late");
    const std::uint64_t late_id = late.id();
    EXPECT_FALSE(places.gone({.v2 = roots.v2, .v1_memory = late_id}));
    late.remove();
    EXPECT_EQ(places.resolve({.v2 = roots.v2, .v1_memory = late_id}).miss, Miss::cgroup_gone);
    EXPECT_TRUE(places.gone({.v2 = roots.v2, .v1_memory = late_id}));
}

} // namespace
} // namespace knell
