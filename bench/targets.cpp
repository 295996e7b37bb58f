#include "bench/targets.hpp"

#include <algorithm>
#include <string>

namespace knell::bench {
namespace {

constexpr const char* kKnell = "knell run";
constexpr const char* kPool = "pool on io_uring";
constexpr const char* kAgent = "knell's agent";

class Judge {
  public:
    explicit Judge(Report& report) : report_(report) {}

    // Not more than `limit`.
    void limit(const char* run, const char* subject, const char* name, const char* what, double limit) {
        if (const Figure* figure = report_.figure(run, subject, name)) {
            report_.target({run, what, figure->unit, limit, figure->median(), ""});
        }
    }

    // Not more than `share` of another contestant's in the same run.
    void ratio(const char* run, const char* subject, const char* peer, const char* name, const char* what,
               double share) {
        const Figure* ours = report_.figure(run, subject, name);
        const Figure* theirs = report_.figure(run, peer, name);
        if (ours != nullptr && theirs != nullptr && theirs->median() > 0) {
            report_.target({run, what, "x", share, ours->median() / theirs->median(), std::string("of ") + peer});
        }
    }

    void latencies() {
        constexpr std::size_t kMany = 10'000;
        constexpr std::size_t kFew = 100;
        const Latencies* many = report_.latencies("react", kPool, kMany);
        const Latencies* few = report_.latencies("react", kPool, kFew);
        const Latencies* bare = report_.latencies("react", "bare epoll", kMany);
        if (many == nullptr) {
            return;
        }
        report_.target({"react", "notify to wake-up, 10k watches, p50", "us", 10, many->percentile(0.5), ""});
        report_.target({"react", "notify to wake-up, 10k watches, p99", "us", 60, many->percentile(0.99), ""});
        if (few != nullptr) {
            report_.target({"react", "p50 at 10k watches", "x", 1.25, many->percentile(0.5) / few->percentile(0.5),
                            "of that at 100 watches"});
        }
        if (bare != nullptr) {
            report_.target({"react", "p50 at 10k watches", "x", 1, many->percentile(0.5) / bare->percentile(0.5),
                            "of a bare epoll loop's"});
        }
    }

  private:
    Report& report_;
};

} // namespace

void judge(Report& report) {
    Judge judge(report);
    judge.limit("storm", kKnell, "exit_group_dead mean", "BPF exit program, mean", 0.5);
    judge.limit("storm", kKnell, "exit_live_count mean", "BPF exit program, mean", 0.5);
    judge.limit("storm", kKnell, "CPU per exit", "agent's CPU per exit", 1.0);
    judge.ratio("storm", kKnell, "exitsnoop", "CPU per exit", "agent's CPU per exit", 1.0 / 6);
    judge.limit("storm", kKnell, "slow-down", "workload's slow-down", 2);
    judge.limit("storm", kKnell, "not told", "exits not told", 0);
    judge.limit("freeze", kKnell, "not told after a stop", "exits not told after a stop", 0);
    judge.limit("freeze", kKnell, "not told after a restart", "exits not told after a restart", 0);
    judge.latencies();
    judge.ratio("mass-exit", kAgent, "nobody", "wall", "wall time, agent", 1.1);
    judge.ratio("mass-exit", kPool, "nobody", "wall", "wall time, pool", 1.1);
    judge.ratio("mass-exit", kPool, "bare epoll, end and reap", "CPU per exit", "loop's CPU per exit", 0.6);
    judge.limit("idle", kAgent, "loop turns in the quietest second", "wake-ups without a cause", 0);
    judge.limit("idle", kAgent, "memory per watch, own", "memory per watch, own", 160);
    judge.limit("idle", kAgent, "start to ready", "start to ready, 10k processes", 1);
    judge.limit("scrape", "knell, 10000 series", "time", "scrape of 10k series", 15);
    judge.limit("scrape", kAgent, "loop delayed by scrapes, p99", "loop delayed by scrapes, p99", 200);
    judge.limit("scrape", kKnell, "RSS with 1000 containers", "RSS with 1000 containers", 16);
}

} // namespace knell::bench
