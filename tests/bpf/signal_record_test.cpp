#include "tests/bpf/bpf_test.hpp"
#include "tests/bpf/probe_under_test.hpp"
#include "tests/bpf/scene.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What the signal program notes: requests to stop, and who sent what ends the process.

namespace knell::test {
namespace {

constexpr int kHandled = 7;

void leave(int) {
    ::_exit(kHandled);
}

void go_on(int) {}

// As the manual says: clean up, restore the default, raise it again.
void raise_again(int signal) {
    (void)::signal(signal, SIG_DFL);
    (void)::raise(signal);
}

class SignalRecord : public BpfTest {
  protected:
    ProbeUnderTest& probe(const ProbeOptions& options = {}) { return probe_ ? *probe_ : probe_.emplace(options); }

    // A child that handles these signals so is sent them in turn, until it ends.
    knell_exit end_of(void (*handler)(int), const std::vector<int>& signals) {
        Gate ready;
        ForkedChild child([&]() -> int {
            for (const int signal : signals) {
                (void)::signal(signal, handler);
            }
            ready.open();
            for (;;) {
                ::pause();
            }
        });
        ready.pass();
        for (const int signal : signals) {
            (void)::kill(child.pid(), signal);
        }
        child_ = child.pid();
        status_ = child.wait().status;
        return probe().exit_of(child_);
    }

    std::optional<ProbeUnderTest> probe_;
    pid_t child_ = 0;
    int status_ = 0;
};

TEST_F(SignalRecord, StopSignalsAreThoseOfTheOptions) {
    ProbeOptions options;
    options.stop_signals = {SIGWINCH, SIGRTMIN + 3};
    probe(options);
    const Instant before = monotonic_now();
    for (const int signal : options.stop_signals) {
        const knell_exit exit = end_of(leave, {signal});
        EXPECT_EQ(status_, kHandled << 8);
        EXPECT_EQ(exit.stop_signal, static_cast<std::uint32_t>(signal));
        EXPECT_GT(exit.stop_request_ns, before);
        EXPECT_LT(exit.stop_request_ns, exit.head.time_ns);
    }
    const knell_exit other = end_of(leave, {SIGTERM});
    EXPECT_EQ(status_, kHandled << 8);
    EXPECT_EQ(other.stop_signal, 0U);
    EXPECT_EQ(other.stop_request_ns, 0U);
}

TEST_F(SignalRecord, AnIgnoredStopRequestCountsAlsoWhereItKillsNobodyByDefault) {
    ProbeOptions options;
    options.stop_signals = {SIGWINCH};
    probe(options);
    const knell_exit exit = end_of(SIG_DFL, {SIGWINCH, SIGKILL});
    EXPECT_EQ(status_, SIGKILL);
    EXPECT_EQ(exit.stop_signal, static_cast<std::uint32_t>(SIGWINCH));
    EXPECT_EQ(exit.fatal.number, SIGKILL) << "SIGWINCH is not what it died of";
}

TEST_F(SignalRecord, FirstStopRequestCounts) {
    ProbeOptions options;
    options.stop_signals = {SIGTERM, SIGINT};
    probe(options);
    const knell_exit exit = end_of(go_on, {SIGINT, SIGTERM, SIGKILL});
    EXPECT_EQ(status_, SIGKILL);
    EXPECT_EQ(exit.stop_signal, static_cast<std::uint32_t>(SIGINT));
}

TEST_F(SignalRecord, WhoRaisesItsStopRequestAgainWasEndedByWhoAsked) {
    probe();
    const knell_exit exit = end_of(raise_again, {SIGTERM});
    EXPECT_EQ(status_, SIGTERM);
    EXPECT_EQ(exit.fatal.number, SIGTERM);
    EXPECT_EQ(exit.fatal.sender_pid, static_cast<std::uint32_t>(::getpid()));
    EXPECT_EQ(exit.fatal.sender_flags & KNELL_SENDER_SELF, 0U);
    EXPECT_EQ(exit.fatal.time_ns, exit.stop_request_ns);
}

TEST_F(SignalRecord, WhoRaisesAnotherSignalEndedItself) {
    probe();
    const knell_exit exit = end_of(raise_again, {SIGUSR1});
    EXPECT_EQ(status_, SIGUSR1);
    EXPECT_EQ(exit.fatal.sender_pid, static_cast<std::uint32_t>(child_));
    EXPECT_NE(exit.fatal.sender_flags & KNELL_SENDER_SELF, 0U);
}

TEST_F(SignalRecord, NamesTheSendersExecutable) {
    probe();
    Scene scene;
    Process& victim = scene.start_ready({"sleep"});
    Process& sender = scene.start_copy("a-killer", {"send", std::to_string(victim.pid()), "KILL", "kill"});
    ASSERT_EQ(must(sender.wait()), 0);
    ASSERT_EQ(must(victim.wait()), SIGKILL);
    const knell_exit exit = probe().exit_of(victim.pid());
    EXPECT_EQ(exit.fatal.sender_pid, static_cast<std::uint32_t>(sender.pid()));
    EXPECT_EQ(std::string(exit.fatal.sender_exe), "a-killer");
}

} // namespace
} // namespace knell::test
