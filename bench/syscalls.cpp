#include "bench/syscalls.hpp"

#include "agent/base/clock.hpp"
#include "agent/probe/probe.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace knell::bench {
namespace {

// Nanoseconds of a call: the least of many means, so that other load of the machine matters little.
template <typename Call>
double time_calls(std::uint64_t calls, Call&& call) {
    constexpr std::uint64_t kSlice = 1000;
    double least = 1e9;
    for (std::uint64_t done = 0; done < calls; done += kSlice) {
        const Instant start = monotonic_now();
        for (std::uint64_t i = 0; i < kSlice; ++i) {
            call();
        }
        least = std::min(least, static_cast<double>(elapsed(start, monotonic_now())) / kSlice);
    }
    return least;
}

double time_getppid(std::uint64_t calls) {
    return time_calls(calls, [] { (void)::syscall(SYS_getppid); });
}

// By another process: pidfds of the agent's own are not counted. 0: there was none.
double time_pidfd_open(std::uint64_t calls) {
    int answer[2];
    if (::pipe(answer) != 0) {
        return 0;
    }
    const pid_t child = ::fork();
    if (child == 0) {
        const double mean =
            time_calls(calls, [] { (void)::close(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0))); });
        ::_exit(::write(answer[1], &mean, sizeof mean) == sizeof mean ? 0 : 1);
    }
    (void)::close(answer[1]);
    double mean = 0;
    if (::read(answer[0], &mean, sizeof mean) != sizeof mean) {
        mean = 0;
    }
    (void)::close(answer[0]);
    (void)::waitpid(child, nullptr, 0);
    return mean;
}

std::string hook_of(const Probe& probe) {
    const auto found = std::ranges::find(probe.features(), "pidfd_creation", &Feature::name);
    return found != probe.features().end() && found->on() ? found->hook : "not observed: " + found->why_not;
}

} // namespace

Result<> syscalls(const SyscallOptions& options, Report& report) {
    enum Setting { nothing, without, with };
    static constexpr const char* kNames[] = {"nothing attached", "knell, pidfd_creation: off"};
    for (std::uint32_t round = 0; round < options.repetitions; ++round) {
        for (const Setting setting : {nothing, without, with}) {
            std::unique_ptr<Probe> probe;
            if (setting != nothing) {
                ProbeOptions probe_options;
                probe_options.pidfd_creation = setting == with;
                auto loaded = Probe::load(probe_options);
                if (!loaded) {
                    return std::unexpected(std::move(loaded.error()));
                }
                probe = std::move(*loaded);
            }
            const std::string who = setting == with ? "knell, by " + hook_of(*probe) : kNames[setting];
            report.add("syscalls", who, "getppid", "ns", time_getppid(options.calls));
            report.add("syscalls", who, "pidfd_open + close", "ns", time_pidfd_open(options.calls / 16));
        }
    }
    return {};
}

} // namespace knell::bench
