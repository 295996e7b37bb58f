#include "agent/probe/hooks.hpp"

#include "agent/probe/decode.hpp"
#include "tests/bpf/bpf_test.hpp"
#include "tests/bpf/loaded_programs.hpp"
#include "tests/bpf/pidfd_calls.hpp"
#include "tests/bpf/probe_under_test.hpp"
#include "tests/bpf/scene.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

// Every hook that this kernel has, also those that the agent does not take because there is a better one.

namespace knell::test {
namespace {

class Hooks : public BpfTest {
  protected:
    void SetUp() override { btf_.emplace(must(KernelBtf::load())); }

    Observable observable(const std::string& feature) {
        const std::vector<Observable> all = observables(*btf_, {});
        return *std::ranges::find(all, feature, &Observable::feature);
    }

    std::optional<KernelBtf> btf_;
};

TEST_F(Hooks, NameProgramsThatExist) {
    struct DestroySkeleton {
        void operator()(knell_bpf* skeleton) const { knell_bpf::destroy(skeleton); }
    };
    const std::unique_ptr<knell_bpf, DestroySkeleton> skeleton(knell_bpf::open());
    ASSERT_NE(skeleton, nullptr);
    for (const Observable& observable : observables(*btf_, {})) {
        for (const Hook& hook : observable.hooks) {
            for (const std::string& program : hook.programs) {
                EXPECT_NE(bpf_object__find_program_by_name(skeleton->obj, program.c_str()), nullptr)
                    << hook.name << ": " << program;
            }
        }
    }
}

using Ways = std::multiset<std::uint32_t>; // enum knell_pidfd_via

// Makes one pidfd in each way that this kernel knows. Those ways as bits.
int make_pidfds() {
    const int pidfd = make_pidfd(::getpid());
    const std::string again = "/proc/self/fd/" + std::to_string(pidfd);
    return (pidfd >= 0 ? 1 << KNELL_PIDFD_OPEN : 0) | //
           (make_pidfd_by_clone() >= 0 ? 1 << KNELL_PIDFD_CLONE : 0) |
           (make_pidfd_by_socket() >= 0 ? 1 << KNELL_PIDFD_SOCKET : 0) |
           (::open(again.c_str(), O_RDWR) >= 0 ? 1 << KNELL_PIDFD_OTHER : 0);
}

// The ways that a hook sees, with task_newtask beside it.
Ways ways_of(const Hook& hook) {
    if (hook.name.starts_with("lsm/")) {
        return {KNELL_PIDFD_OPEN, KNELL_PIDFD_CLONE, KNELL_PIDFD_SOCKET, KNELL_PIDFD_OTHER};
    }
    if (hook.name.starts_with("fexit/")) {
        return {KNELL_PIDFD_OPEN, KNELL_PIDFD_CLONE, KNELL_PIDFD_SOCKET};
    }
    return {KNELL_PIDFD_OPEN, KNELL_PIDFD_CLONE};
}

Ways recorded_of(pid_t opener, LoadedPrograms& programs) {
    Ways ways;
    programs.drain([&](std::span<const std::byte> bytes) {
        const Record record = decode(bytes);
        if (const auto* pidfd = std::get_if<const knell_pidfd*>(&record);
            pidfd != nullptr && (*pidfd)->opener.pid == static_cast<std::uint32_t>(opener)) {
            ways.insert((*pidfd)->via);
        }
    });
    return ways;
}

TEST_F(Hooks, EachForPidfdsSeesEachWayOnce) {
    std::size_t tried = 0;
    for (const Hook& hook : observable("pidfd_creation").hooks) {
        if (!hook.probe()) {
            continue;
        }
        ++tried;
        knell_knobs knobs{};
        knobs.record_pidfds = 1;
        hook.tell(knobs);
        std::vector<std::string> names = hook.programs;
        names.emplace_back("task_newtask");
        LoadedPrograms programs(names, knobs);

        ForkedChild opener(make_pidfds);
        const int made = WEXITSTATUS(opener.wait().status);
        Ways expected = ways_of(hook);
        std::erase_if(expected, [made](std::uint32_t via) { return (made >> via & 1) == 0; });
        EXPECT_EQ(recorded_of(opener.pid(), programs), expected) << hook.name;
        EXPECT_TRUE(expected.contains(KNELL_PIDFD_CLONE)) << hook.name;
    }
    EXPECT_GT(tried, 0U);
}

} // namespace
} // namespace knell::test
