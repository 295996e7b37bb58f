#include "agent/observer/record_events.hpp"

#include "agent/cause/signature.hpp"

#include <string>
#include <utility>

namespace knell {

ProcessIdentity identify(const knell_process& process, std::shared_ptr<const Place> place) {
    ProcessIdentity identity;
    identity.pid = process.pid;
    identity.ppid = process.ppid;
    identity.uid = process.uid;
    identity.comm = text_of(process.comm);
    identity.start = process.start_ns;
    identity.pidfd_inode = process.pid_inode;
    identity.place = std::move(place);
    return identity;
}

ExitFacts facts_of(const knell_exit& record, bool observes_signals) {
    ExitFacts facts;
    facts.status = record.status;
    facts.exit_flags = record.flags;
    facts.signals_observed = observes_signals;
    facts.fatal = record.fatal;
    facts.stop_signal = static_cast<int>(record.stop_signal);
    return facts;
}

CpuTime adjust_cpu_time(CpuTime sampled, Nanoseconds run) {
    if (sampled.system == 0) {
        return {.user = run, .system = 0};
    }
    if (sampled.user == 0) {
        return {.user = 0, .system = run};
    }
    __extension__ using Wide = unsigned __int128; // nanoseconds squared: 64 bits hold four seconds by four
    const auto system = static_cast<Nanoseconds>(Wide{sampled.system} * run / (Wide{sampled.system} + sampled.user));
    return {.user = run - system, .system = system};
}

Resources resources_of(const knell_exit& record) {
    const CpuTime cpu = adjust_cpu_time({.user = record.user_ns, .system = record.system_ns}, record.run_ns);
    return {.user = cpu.user,
            .system = cpu.system,
            .peak_rss_bytes = record.peak_rss_bytes,
            .minor_faults = record.minor_faults,
            .major_faults = record.major_faults};
}

PidfdOpen pidfd_open_of(const knell_pidfd& record, std::shared_ptr<const Place> opener_place) {
    static_assert(kPidfdViaCount == KNELL_PIDFD_VIA_COUNT);
    PidfdOpen open;
    open.process = identify(record.opener, std::move(opener_place));
    open.time = record.head.time_ns;
    open.target_pid = record.target_pid;
    open.target_inode = record.target_inode;
    open.target_comm = text_of(record.target_comm);
    open.via = record.via < kPidfdViaCount ? static_cast<PidfdVia>(record.via) : PidfdVia::other;
    return open;
}

} // namespace knell
