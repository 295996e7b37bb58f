#include "agent/cli/family_tally.hpp"

#include <algorithm>

namespace knell {

void FamilyTally::born(const knell_fork& birth) {
    (void)family_.born(birth);
}

void FamilyTally::on_event(const Event& event) {
    if (const auto* exit = std::get_if<Exit>(&event)) {
        count_exit(*exit);
    } else if (const auto* reap = std::get_if<Reap>(&event)) {
        count_reap(*reap);
    } else if (const auto* exec = std::get_if<Exec>(&event)) {
        counts_.execs += family_.has(exec->process.pid, exec->process.start) ? 1U : 0U;
    }
}

void FamilyTally::count_exit(const Exit& exit) {
    const ProcessIdentity& process = exit.process;
    if (!family_.has(process.pid, process.start)) {
        return;
    }
    family_.died(process.pid, process.start);
    ++counts_.exits;
    ++counts_.reasons[static_cast<std::size_t>(exit.reason)];
    if (exit.signal != 0) {
        ++counts_.kills[{exit.signal, exit.killer ? exit.killer->kind : KillerClass::unknown}];
    }
    counts_.lifetime.add(elapsed(process.start, exit.time));
    if (exit.teardown) {
        counts_.teardown.add(*exit.teardown);
    }
    if (exit.reaction) {
        counts_.reaction.add(*exit.reaction);
        if (reaps_are_told_) {
            uncollected_.insert_or_assign(process.pid, process.start);
        }
    }
    if (exit.resources) {
        count_resources(process, *exit.resources);
    }
}

void FamilyTally::count_resources(const ProcessIdentity& process, const Resources& used) {
    counts_.user += used.user;
    counts_.system += used.system;
    counts_.minor_faults += used.minor_faults;
    counts_.major_faults += used.major_faults;
    if (!family_.is_founder(process.pid, process.start) || used.peak_rss_bytes > inherited_rss_bytes_) {
        counts_.peak_rss_bytes = std::max(counts_.peak_rss_bytes, used.peak_rss_bytes);
    }
}

void FamilyTally::count_reap(const Reap& reap) {
    const auto found = uncollected_.find(reap.process.pid);
    if (found != uncollected_.end() && found->second == reap.process.start) {
        uncollected_.erase(found);
        if (reap.reap) {
            counts_.reap.add(*reap.reap);
        }
    }
}

FamilyCounts FamilyTally::counts() const {
    FamilyCounts counts = counts_;
    counts.processes = family_.born_count();
    counts.still_running = family_.alive();
    return counts;
}

} // namespace knell
