#include "agent/base/file.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/info.hpp"
#include "agent/pidfd/kill_on_close.hpp"
#include "agent/pidfd/pidfd.hpp"
#include "agent/pidfd/process_ref.hpp"
#include "agent/pidfd/procfd.hpp"
#include "agent/pidfd/spawn.hpp"
#include "agent/pidfd/stat.hpp"
#include "bench/micro/value_of.hpp"

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

// What holding a process costs, each operation beside what a program does that goes by number: "racy" in its name.
namespace knell::bench {
namespace {

constexpr std::size_t kMostOfAFile = 4096;

// A process that sleeps until this goes, or until the run fails.
class Sleeper {
  public:
    [[nodiscard]] const Pidfd& pidfd() const { return process_.process(); }
    [[nodiscard]] pid_t pid() const { return pid_; }

  private:
    static SpawnOptions options() {
        SpawnOptions options;
        options.argv = {KNELL_MICRO_CHILD, "sleep"};
        return options;
    }

    KillOnClose process_ = value_of(KillOnClose::spawn(options()));
    pid_t pid_ = value_of(ProcessRef::of(pidfd())).pid();
};

// The library as on a kernel before `feature`.
class Before {
  public:
    explicit Before(PidfdFeature feature) {
        PidfdFeatures forgone;
        for (auto i = static_cast<std::size_t>(feature); i < kPidfdFeatureCount; ++i) {
            forgone.set(i);
        }
        forgo(forgone);
    }
    Before(const Before&) = delete;
    Before& operator=(const Before&) = delete;
    ~Before() { forgo({}); }
};

void open_pidfd(benchmark::State& state) {
    const Sleeper sleeper;
    for (auto _ : state) {
        benchmark::DoNotOptimize(value_of(Pidfd::open(sleeper.pid())).fd());
    }
}
BENCHMARK(open_pidfd)->Name("open+close");

// --- What /proc/PID/stat says ---

procfd::Stat racy_stat(pid_t pid) {
    const std::string path = "/proc/" + std::to_string(pid) + "/stat";
    return value_of(procfd::parse_stat(value_of(read_small_file(AT_FDCWD, path.c_str(), kMostOfAFile))));
}

void stat_racy(benchmark::State& state) {
    const Sleeper sleeper;
    for (auto _ : state) {
        benchmark::DoNotOptimize(racy_stat(sleeper.pid()).state);
    }
}
BENCHMARK(stat_racy)->Name("stat/racy");

void stat_held(benchmark::State& state) {
    const Sleeper sleeper;
    for (auto _ : state) {
        const Fd directory = value_of(procfd::open(sleeper.pidfd()));
        benchmark::DoNotOptimize(value_of(procfd::read_stat(directory)).state);
    }
}
BENCHMARK(stat_held)->Name("stat/procfd::open+read_stat");

void stat_in_kept_directory(benchmark::State& state) {
    const Sleeper sleeper;
    const Fd directory = value_of(procfd::open(sleeper.pidfd()));
    for (auto _ : state) {
        benchmark::DoNotOptimize(value_of(procfd::read_stat(directory)).state);
    }
}
BENCHMARK(stat_in_kept_directory)->Name("stat/read_stat_in_kept_directory");

// --- Whether it is still the same process ---

// By start time, as programs do that keep it beside the number; racy only in what is done with the number afterwards.
void identity_racy(benchmark::State& state) {
    const Sleeper sleeper;
    const std::uint64_t expected = racy_stat(sleeper.pid()).start_ticks;
    for (auto _ : state) {
        benchmark::DoNotOptimize(racy_stat(sleeper.pid()).start_ticks == expected);
    }
}
BENCHMARK(identity_racy)->Name("identity/racy_start_time");

void identity_by_reference(benchmark::State& state) {
    const Sleeper sleeper;
    const ProcessRef reference = value_of(ProcessRef::of(sleeper.pidfd()));
    for (auto _ : state) {
        benchmark::DoNotOptimize(value_of(reference.open()).fd());
    }
}
BENCHMARK(identity_by_reference)->Name("identity/ProcessRef::open");

void identity_by_reference_before_pidfs(benchmark::State& state) {
    const Before before(PidfdFeature::pidfs);
    identity_by_reference(state);
}
BENCHMARK(identity_by_reference_before_pidfs)->Name("identity/ProcessRef::open_before_6.9");

void identity_by_inode(benchmark::State& state) {
    const Sleeper sleeper;
    for (auto _ : state) {
        benchmark::DoNotOptimize(value_of(sleeper.pidfd().inode()));
    }
}
BENCHMARK(identity_by_inode)->Name("identity/inode");

// --- Parent, credentials, cgroup ---

void info_racy(benchmark::State& state) {
    const Sleeper sleeper;
    const std::string path = "/proc/" + std::to_string(sleeper.pid()) + "/status";
    for (auto _ : state) {
        benchmark::DoNotOptimize(value_of(read_small_file(AT_FDCWD, path.c_str(), kMostOfAFile)).size());
    }
}
BENCHMARK(info_racy)->Name("info/racy_status_unparsed");

void info_held(benchmark::State& state) {
    const Sleeper sleeper;
    for (auto _ : state) {
        benchmark::DoNotOptimize(value_of(sleeper.pidfd().info()).ppid);
    }
}
BENCHMARK(info_held)->Name("info/info");

void info_before_ioctl(benchmark::State& state) {
    const Before before(PidfdFeature::info);
    info_held(state);
}
BENCHMARK(info_before_ioctl)->Name("info/info_before_6.13");

// --- Whether it still runs ---

void running_racy(benchmark::State& state) {
    const Sleeper sleeper;
    for (auto _ : state) {
        benchmark::DoNotOptimize(::kill(sleeper.pid(), 0));
    }
}
BENCHMARK(running_racy)->Name("running/racy_kill_0");

void running_held(benchmark::State& state) {
    const Sleeper sleeper;
    for (auto _ : state) {
        benchmark::DoNotOptimize(value_of(sleeper.pidfd().poll(ProcessState::zombie, 0)));
    }
}
BENCHMARK(running_held)->Name("running/poll");

// --- A process's whole life ---

void spawn_racy(benchmark::State& state) {
    const std::string program = KNELL_MICRO_CHILD;
    char* arguments[] = {const_cast<char*>(program.c_str()), nullptr};
    for (auto _ : state) {
        pid_t pid = -1;
        int status = -1;
        if (::posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments, environ) != 0 ||
            ::waitpid(pid, &status, 0) != pid || status != 0) {
            throw std::runtime_error("posix_spawn of " + program);
        }
    }
}
BENCHMARK(spawn_racy)->Name("spawn+wait/racy_posix_spawn")->UseRealTime();

void spawn_held(benchmark::State& state) {
    SpawnOptions options;
    options.argv = {KNELL_MICRO_CHILD};
    for (auto _ : state) {
        if (value_of(value_of(Pidfd::spawn(options)).wait()) != 0) {
            throw std::runtime_error("the child of spawn() failed");
        }
    }
}
BENCHMARK(spawn_held)->Name("spawn+wait/Pidfd::spawn")->UseRealTime();

} // namespace
} // namespace knell::bench
