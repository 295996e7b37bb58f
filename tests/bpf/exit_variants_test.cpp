#include "agent/probe/decode.hpp"
#include "agent/probe/kernel_btf.hpp"
#include "tests/bpf/bpf_test.hpp"
#include "tests/bpf/loaded_programs.hpp"
#include "tests/bpf/scene.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

// The two programs for the end of a process. The agent takes one by the kernel's prototype; here each is forced, so
// that the one for older kernels is tested on newer ones too: the tracepoint hands over more arguments than it takes.

namespace knell::test {
namespace {

class ExitVariants : public BpfTestWithParam<std::string> {
  protected:
    void SetUp() override {
        if (GetParam() == "exit_group_dead" &&
            must(KernelBtf::load()).tracepoint_arguments("sched_process_exit").value_or(0) < 2) {
            GTEST_SKIP() << "this kernel's tracepoint does not tell which thread is the last (6.16)";
        }
        program_.emplace(std::vector{GetParam()});
    }

    // The wanted ones of all that were recorded since the last call.
    std::vector<knell_exit> take(const std::function<bool(const knell_exit&)>& wanted) {
        std::vector<knell_exit> exits;
        program_->drain([&](std::span<const std::byte> bytes) {
            const Record record = decode(bytes);
            if (const auto* exit = std::get_if<const knell_exit*>(&record); exit != nullptr && wanted(**exit)) {
                exits.push_back(**exit);
            }
        });
        return exits;
    }

    std::optional<LoadedPrograms> program_;
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
            const auto exits = take([&](const knell_exit& exit) {
                return exit.process.pid == static_cast<std::uint32_t>(victim.pid()) && exit.process.start_ns >= before;
            });
            ASSERT_EQ(exits.size(), 1U) << arguments.front() << " in round " << round;
            EXPECT_EQ(exits.front().status, status) << arguments.front();
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Programs, ExitVariants, testing::Values("exit_group_dead", "exit_live_count"),
                         [](const auto& variant) { return variant.param; });

} // namespace
} // namespace knell::test
