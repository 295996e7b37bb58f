#include "tests/support/cgroup.hpp"

#include "agent/base/fd.hpp"
#include "tests/support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

namespace knell::test {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kRemovalPatience{5};

bool has_word(const std::string& words, char separator, std::string_view wanted) {
    std::istringstream stream(words);
    for (std::string word; std::getline(stream, word, separator);) {
        if (word == wanted) {
            return true;
        }
    }
    return false;
}

// Mount point of the first file system of this type, with this option if one is wanted.
std::optional<fs::path> find_mount(std::string_view type, std::string_view option) {
    std::ifstream mounts("/proc/self/mounts");
    std::string device;
    std::string point;
    std::string mount_type;
    std::string options;
    std::string rest;
    while (mounts >> device >> point >> mount_type >> options && std::getline(mounts, rest)) {
        if (mount_type == type && (option.empty() || has_word(options, ',', option))) {
            return point;
        }
    }
    return std::nullopt;
}

bool has_memory_controller(const fs::path& unified) {
    std::ifstream file(unified / "cgroup.controllers");
    std::string controllers;
    std::getline(file, controllers);
    return has_word(controllers, ' ', "memory");
}

// One write() as cgroup files want it, with the kernel's own answer.
Result<> write_file(const fs::path& path, const std::string& value) {
    const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) {
        return system_failure("open " + path.string(), errno);
    }
    if (::write(file.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) {
        return system_failure("write '" + value + "' to " + path.string(), errno);
    }
    return {};
}

// Kernels without swap accounting lack the file: nothing to limit then.
Result<> write_if_present(const fs::path& path, const std::string& value) {
    const Result<> written = write_file(path, value);
    return written || written.error().errno_value == ENOENT ? Result<>() : written;
}

// Returns once each is past the point in do_exit() where it leaves its cgroup, which comes before the pidfd tells.
void kill_and_await(const std::vector<pid_t>& members, int patience_ms) {
    for (const pid_t member : members) {
        const Fd pidfd = open_pidfd(member);
        if (pidfd && ::kill(member, SIGKILL) == 0) {
            pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
            ::poll(&ended, 1, patience_ms);
        }
    }
}

std::vector<pid_t> read_members(const fs::path& group) {
    std::ifstream file(group / "cgroup.procs");
    std::vector<pid_t> members;
    for (pid_t pid = 0; file >> pid;) {
        if (pid > 0) { // 0 = in another pid namespace
            members.push_back(pid);
        }
    }
    return members;
}

// EBUSY: a member is still dying, or forked while we looked.
void remove_group(const fs::path& group) {
    const auto deadline = std::chrono::steady_clock::now() + kRemovalPatience;
    while (::rmdir(group.c_str()) != 0) {
        if (errno != EBUSY || std::chrono::steady_clock::now() > deadline) {
            std::perror(("remove cgroup " + group.string()).c_str());
            return;
        }
        kill_and_await(read_members(group), 1000);
        ::poll(nullptr, 0, 1);
    }
}

} // namespace

Result<TestCgroup> TestCgroup::create(const fs::path& path) {
    if (::mkdir(path.c_str(), 0755) != 0) {
        return system_failure("create cgroup " + path.string(), errno, "tests with cgroups need root");
    }
    return TestCgroup(path);
}

Result<TestCgroup> TestCgroup::create_below(const fs::path& mount) {
    static std::atomic<unsigned> serial = 0;
    return create(mount / ("knell-test-" + std::to_string(::getpid()) + "-" + std::to_string(serial++)));
}

Result<TestCgroup> TestCgroup::inside(const TestCgroup& parent, const std::string& name) {
    return create(parent.path_ / name);
}

Result<TestCgroup> TestCgroup::unified() {
    const std::optional<fs::path> mount = find_mount("cgroup2", "");
    if (!mount) {
        return system_failure("find the cgroup v2 hierarchy", ENODEV, "/proc/self/mounts has no cgroup2");
    }
    return create_below(*mount);
}

bool TestCgroup::unified_limits_memory() {
    const std::optional<fs::path> mount = find_mount("cgroup2", "");
    return mount && has_memory_controller(*mount);
}

Result<TestCgroup> TestCgroup::with_memory_limit(std::uint64_t bytes) {
    const bool use_v2 = unified_limits_memory();
    const std::optional<fs::path> mount = use_v2 ? find_mount("cgroup2", "") : find_mount("cgroup", "memory");
    if (!mount) {
        return system_failure("find a memory controller", ENODEV, "no cgroup hierarchy has it");
    }
    if (use_v2) {
        if (Result<> enabled = write_file(*mount / "cgroup.subtree_control", "+memory"); !enabled) {
            return Failure(enabled.error());
        }
    }
    Result<TestCgroup> group = create_below(*mount);
    if (!group) {
        return group;
    }
    const std::string limit = std::to_string(bytes);
    Result<> limited = group->write(use_v2 ? "memory.max" : "memory.limit_in_bytes", limit);
    if (limited) {
        limited = use_v2 ? write_if_present(group->path() / "memory.swap.max", "0")
                         : write_if_present(group->path() / "memory.memsw.limit_in_bytes", limit);
    }
    if (!limited) {
        return Failure(limited.error());
    }
    return group;
}

TestCgroup::TestCgroup(TestCgroup&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TestCgroup::~TestCgroup() {
    if (!path_.empty()) {
        remove_group(path_);
    }
}

Result<> TestCgroup::add(pid_t pid) const {
    return write("cgroup.procs", std::to_string(pid));
}

Result<> TestCgroup::write(const std::string& file, const std::string& value) const {
    return write_file(path_ / file, value);
}

} // namespace knell::test
