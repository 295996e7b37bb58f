#include "tests/bpf/bpf_test.hpp"
#include "tests/bpf/probe_under_test.hpp"
#include "tests/bpf/scene.hpp"

#include <gtest/gtest.h>

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>

// A thread that is not the leader calls exec, and becomes the process: what was noted of the process goes with it.

namespace knell::test {
namespace {

void* execute(void* go) {
    static_cast<Gate*>(go)->pass();
    const std::string program = die_path();
    ::execl(program.c_str(), "heir", "sleep", nullptr);
    ::_exit(255);
}

// Ignores SIGTERM, and executes `die sleep` by a thread when it may go.
int ignore_then_execute(Gate& ignoring, Gate& go) {
    (void)::signal(SIGTERM, SIG_IGN);
    ignoring.open();
    pthread_t thread{};
    if (::pthread_create(&thread, nullptr, execute, &go) != 0) {
        return 255;
    }
    for (;;) { // the exec ends this thread
        ::pause();
    }
}

class ExecByThread : public BpfTest {
  protected:
    void SetUp() override { probe_.emplace(); }

    std::optional<ProbeUnderTest> probe_;
};

TEST_F(ExecByThread, KeepsSlotAndStopRequest) {
    constexpr std::uint32_t kSlot = 5;
    Gate ignoring;
    Gate go;
    Gate executed; // opened by the exec, which closes the child's end
    ForkedChild child([&] { return ignore_then_execute(ignoring, go); });
    ignoring.pass();
    const Fd pidfd = open_pidfd(child.pid());
    must(probe_->probe().tag(pidfd.get(), kSlot));
    const Instant before = monotonic_now();
    ASSERT_EQ(::kill(child.pid(), SIGTERM), 0);
    const Instant asked = monotonic_now();
    go.open();
    executed.pass();
    ASSERT_EQ(::kill(child.pid(), SIGKILL), 0);
    ASSERT_EQ(child.wait().status, SIGKILL);

    const knell_exit exit = probe_->exit_of(child.pid());
    EXPECT_EQ(std::string(exit.process.comm), "die") << "the exec succeeded";
    EXPECT_GE(exit.stop_request_ns, before);
    EXPECT_LE(exit.stop_request_ns, asked);
    EXPECT_EQ(exit.stop_signal, static_cast<std::uint32_t>(SIGTERM));
    EXPECT_EQ(exit.fatal.number, SIGKILL);
    EXPECT_EQ(exit.fatal.sender_pid, static_cast<std::uint32_t>(::getpid()));
    const knell_slot slot = read_slot(probe_->probe().slots()[kSlot]);
    EXPECT_EQ(slot.exit_ns, exit.head.time_ns);
    EXPECT_GT(slot.notify_ns, slot.exit_ns);
}

} // namespace
} // namespace knell::test
