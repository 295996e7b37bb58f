#include "agent/base/file.hpp"
#include "tests/bpf/observer_under_test.hpp"
#include "tests/bpf/scene.hpp"

#include <gtest/gtest.h>

#include <bpf/bpf.h>

#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>

namespace knell::test {
namespace {

// A kernel thread at our command: an entry of a CPU map has one, which ends with the entry (kernel/bpf/cpumap.c).
class KernelThread {
  public:
    static Result<KernelThread> start() {
        Fd map(::bpf_map_create(BPF_MAP_TYPE_CPUMAP, "knell_test", sizeof(std::uint32_t), sizeof(std::uint32_t), 1,
                                nullptr));
        if (!map) {
            return system_failure("create a CPU map", errno);
        }
        constexpr std::uint32_t kCpu = 0;
        constexpr std::uint32_t kQueueSize = 64;
        if (::bpf_map_update_elem(map.get(), &kCpu, &kQueueSize, BPF_ANY) != 0) {
            return system_failure("start a kernel thread", errno);
        }
        bpf_map_info info{};
        std::uint32_t size = sizeof(info);
        if (::bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0) {
            return system_failure("ask for the id of a CPU map", errno);
        }
        const std::optional<pid_t> pid = find("cpumap/0/map:" + std::to_string(info.id));
        if (!pid) {
            return failure("the CPU map has no kernel thread");
        }
        return KernelThread(std::move(map), *pid);
    }

    [[nodiscard]] pid_t pid() const { return pid_; }

    // Returns once it is gone.
    void end() {
        const Fd pidfd = open_pidfd(pid_);
        map_.reset();
        pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
        if (::poll(&ended, 1, static_cast<int>(kPatience.count())) != 1) {
            must(Result<>(failure("the kernel thread does not end")));
        }
    }

  private:
    KernelThread(Fd map, pid_t pid) : map_(std::move(map)), pid_(pid) {}

    static std::optional<pid_t> find(const std::string& name) {
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            const Result<long> pid = parse_number(entry.path().filename());
            const Result<std::string> comm = read_small_file(AT_FDCWD, (entry.path() / "comm").c_str(), 4096);
            if (pid && comm && *comm == name + "\n") {
                return static_cast<pid_t>(*pid);
            }
        }
        return std::nullopt;
    }

    Fd map_;
    pid_t pid_;
};

TEST(KernelThreads, AreNotProcesses) {
    if (const auto why = why_not_here()) {
        GTEST_SKIP() << *why;
    }
    const auto observer = must(ObserverUnderTest::start({}, BackendChoice::automatic));
    const Instant before = monotonic_now();
    KernelThread thread = must(KernelThread::start());
    thread.end();
    must(observer->settle());
    EXPECT_TRUE(observer->log().exits_of({thread.pid(), before}).empty());
}

} // namespace
} // namespace knell::test
