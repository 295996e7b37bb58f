#include "bench/targets.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace knell::bench {
namespace {

constexpr const char* kKnell = "knell run";
constexpr const char* kPool = "pool on io_uring";
constexpr const char* kAgent = "knell's agent";

// What took part and did not measure this is told as not measured: a demand does not disappear with its figure.
constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();

class Judge {
  public:
    explicit Judge(Report& report) : report_(report), runs_(report.runs()) {}

    // Not more than `limit`.
    void limit(const char* run, const char* subject, const char* name, const char* what, const char* unit,
               double limit) {
        const Figure* figure = report_.figure(run, subject, name);
        demand({run, what, unit, limit, figure != nullptr ? figure->median() : kNotMeasured, ""});
    }

    // Never: in no repetition. A median would hide a loss.
    void never(const char* run, const char* name, const char* what) {
        const Figure* figure = report_.figure(run, kKnell, name);
        demand({run, what, "", 0, figure != nullptr ? figure->most() : kNotMeasured, "in the worst repetition"});
    }

    // Not more than `share` of another contestant's in the same run.
    void ratio(const char* run, const char* subject, const char* peer, const char* name, const char* what,
               double share) {
        const Figure* ours = report_.figure(run, subject, name);
        const Figure* theirs = report_.figure(run, peer, name);
        const bool both = ours != nullptr && theirs != nullptr && theirs->median() > 0;
        demand({run, what, "x", share, both ? ours->median() / theirs->median() : kNotMeasured,
                std::string("of ") + peer});
    }

    void latencies() {
        constexpr std::size_t kMany = 10'000;
        constexpr std::size_t kFew = 100;
        const double p50 = percentile(kPool, kMany, 0.5);
        demand({"react", "notify to wake-up, 10k watches, p50", "us", 10, p50, ""});
        demand({"react", "notify to wake-up, 10k watches, p99", "us", 60, percentile(kPool, kMany, 0.99), ""});
        demand(
            {"react", "p50 at 10k watches", "x", 1.25, p50 / percentile(kPool, kFew, 0.5), "of that at 100 watches"});
        demand({"react", "p50 at 10k watches", "x", 1, p50 / percentile("bare epoll", kMany, 0.5),
                "of a bare epoll loop's"});
    }

  private:
    void demand(Target target) {
        if (std::ranges::find(runs_, target.run) != runs_.end()) {
            report_.target(std::move(target));
        }
    }
    [[nodiscard]] double percentile(const char* subject, std::size_t watches, double share) const {
        const Latencies* latencies = report_.latencies("react", subject, watches);
        return latencies != nullptr ? latencies->percentile(share) : kNotMeasured;
    }

    Report& report_;
    std::vector<std::string> runs_;
};

// Which of the two the kernel's BTF asks for.
const char* exit_program(const Report& report) {
    constexpr const char* kOnOldKernels = "exit_live_count mean";
    return report.figure("storm", kKnell, kOnOldKernels) != nullptr ? kOnOldKernels : "exit_group_dead mean";
}

} // namespace

void judge(Report& report) {
    Judge judge(report);
    judge.limit("storm", kKnell, exit_program(report), "BPF exit program, mean", "us", 0.5);
    judge.limit("storm", kKnell, "CPU per exit", "agent's CPU per exit", "us", 1.0);
    judge.ratio("storm", kKnell, "exitsnoop", "CPU per exit", "agent's CPU per exit", 1.0 / 6);
    judge.limit("storm", kKnell, "slow-down", "workload's slow-down", "%", 2);
    judge.never("storm", "not told", "exits not told");
    judge.never("storm by vfork", "not told", "exits not told");
    judge.never("storm by spawn", "not told", "exits not told");
    judge.never("freeze", "not told after a stop", "exits not told after a stop");
    judge.never("freeze", "not told after a restart", "exits not told after a restart");
    judge.latencies();
    judge.ratio("mass-exit", kAgent, "nobody", "wall", "wall time, agent", 1.1);
    judge.ratio("mass-exit", kPool, "nobody", "wall", "wall time, pool", 1.1);
    judge.ratio("mass-exit", kPool, "bare epoll, end and reap", "CPU per exit", "loop's CPU per exit", 0.6);
    judge.limit("idle", kAgent, "loop turns in the quietest second", "wake-ups without a cause", "", 0);
    judge.limit("idle", kAgent, "memory per watch, own", "memory per watch, own", "bytes", 160);
    judge.limit("idle", kAgent, "start to ready", "start to ready, 10k processes", "s", 1);
    judge.limit("scrape", "knell, 10000 series", "time", "scrape of 10k series", "ms", 15);
    judge.limit("scrape", kAgent, "loop delayed by scrapes, p99", "loop delayed by scrapes, p99", "us", 200);
    judge.limit("scrape", kKnell, "RSS with 1000 containers", "RSS with 1000 containers", "MiB", 16);
}

} // namespace knell::bench
