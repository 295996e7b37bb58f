#include "agent/probe/decode.hpp"
#include "agent/probe/ring.hpp"
#include "tests/bpf/observer_under_test.hpp"
#include "tests/bpf/scene.hpp"

#include <gtest/gtest.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "knell_bpf.skel.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

// The two programs for the end of a process. The agent takes one by the kernel's prototype; here each is forced, so
// that the one for older kernels is tested on newer ones too: the tracepoint hands over more arguments than it takes.

namespace knell::test {
namespace {

constexpr std::uint32_t kRingBytes = 8 << 20;

enum class Variant { group_dead, live_count };

struct DestroySkeleton {
    void operator()(knell_bpf* skeleton) const { knell_bpf::destroy(skeleton); }
};

// The BPF object with one of the exit programs and nothing else attached.
class ExitProgram {
  public:
    static Result<ExitProgram> attach(Variant variant) {
        ExitProgram object;
        object.skeleton_.reset(knell_bpf::open());
        if (!object.skeleton_) {
            return system_failure("open the BPF object", errno);
        }
        bpf_program* program = nullptr;
        bpf_object__for_each_program(program, object.skeleton_->obj) {
            (void)bpf_program__set_autoload(program, false);
        }
        bpf_program* chosen = variant == Variant::group_dead ? object.skeleton_->progs.exit_group_dead
                                                             : object.skeleton_->progs.exit_live_count;
        (void)bpf_program__set_autoload(chosen, true);
        (void)bpf_map__set_max_entries(object.skeleton_->maps.ring, kRingBytes);
        if (const int error = knell_bpf::load(object.skeleton_.get())) {
            return system_failure("load the exit program", -error);
        }
        if (const int error = knell_bpf::attach(object.skeleton_.get())) {
            return system_failure("attach the exit program", -error);
        }
        Result<Ring> ring = Ring::map(bpf_map__fd(object.skeleton_->maps.ring), kRingBytes);
        if (!ring) {
            return Failure(ring.error());
        }
        object.ring_.emplace(std::move(*ring));
        return object;
    }

    // The wanted ones of all that were recorded since the last call.
    std::vector<knell_exit> take(const std::function<bool(const knell_exit&)>& wanted) {
        std::vector<knell_exit> exits;
        ring_->drain(SIZE_MAX, [&](std::span<const std::byte> bytes) {
            const Record record = decode(bytes);
            if (const auto* exit = std::get_if<const knell_exit*>(&record); exit != nullptr && wanted(**exit)) {
                exits.push_back(**exit);
            }
        });
        return exits;
    }

  private:
    ExitProgram() = default;

    std::unique_ptr<knell_bpf, DestroySkeleton> skeleton_;
    std::optional<Ring> ring_;
};

class ExitVariants : public testing::TestWithParam<Variant> {
  protected:
    void SetUp() override {
        if (const auto why = why_not_here()) {
            GTEST_SKIP() << *why;
        }
        program_.emplace(must(ExitProgram::attach(GetParam())));
    }

    std::optional<ExitProgram> program_;
};

// Ends of many threads at the same instant, on both CPUs: the last two may each see themselves as the last.
TEST_P(ExitVariants, EachProcessIsRecordedOnce) {
    const std::vector<std::tuple<std::vector<std::string>, int>> ways = {
        {{"double-exit", "3"}, 3 << 8},       {{"thread-exit-group", "77"}, 77 << 8},
        {{"leader-first", "5", "9"}, 9 << 8}, {{"exec-thread", die_path(), "exit", "8"}, 8 << 8},
        {{"sys-exit", "6"}, 6 << 8},
    };
    constexpr int kRounds = 200;
    for (int round = 0; round < kRounds; ++round) {
        for (const auto& [arguments, status] : ways) {
            Scene scene;
            const Instant before = monotonic_now();
            Process& victim = scene.start(arguments);
            ASSERT_EQ(must(victim.wait()), status);
            const auto exits = program_->take([&](const knell_exit& exit) {
                return exit.process.pid == static_cast<std::uint32_t>(victim.pid()) && exit.process.start_ns >= before;
            });
            ASSERT_EQ(exits.size(), 1U) << arguments.front() << " in round " << round;
            EXPECT_EQ(exits.front().status, status) << arguments.front();
        }
    }
}

std::string variant_name(const testing::TestParamInfo<Variant>& info) {
    return info.param == Variant::group_dead ? "group_dead" : "live_count";
}

INSTANTIATE_TEST_SUITE_P(Programs, ExitVariants, testing::Values(Variant::group_dead, Variant::live_count),
                         variant_name);

} // namespace
} // namespace knell::test
