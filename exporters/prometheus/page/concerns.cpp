#include "exporters/prometheus/page/concerns.hpp"

#include "exporters/prometheus/page/html.hpp"

#include <map>
#include <string_view>

namespace knell {

namespace {

// Of something that only goes up and should not.
struct Trouble {
    Severity severity;
    std::uint64_t count;
    std::string_view what;
};

std::uint64_t refused(const Status& status, WatchRefusal why) {
    return status.watch_refused[static_cast<std::size_t>(why)];
}

std::uint64_t sum_of(const auto& counts) {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : counts) {
        sum += count;
    }
    return sum;
}

void add_troubles(std::vector<Concern>& found, const PageData& data) {
    const Status& status = data.status;
    const KernelCounts& kernel = status.kernel;
    const std::uint64_t disagreements = status.witness_disagreements ? sum_of(*status.witness_disagreements) : 0;
    // The bad ones first, as concerns() promises.
    for (const Trouble& trouble : {
             Trouble{Severity::high, kernel.exits_unaccounted,
                     "exits that are in no count, as ring and spill were full"},
             {Severity::high, status.decode_errors, "records that could not be read"},
             {Severity::high, disagreements, "deaths of which record and pidfd told differently"},
             {Severity::medium, kernel.exits_spilled, "exits that found the ring full: counted, without their details"},
             {Severity::medium, kernel.forks_dropped,
              "births that found the ring full: those processes are looked for in /proc"},
             {Severity::medium, kernel.execs_dropped, "execs that found the ring full: names may be stale"},
             {Severity::medium, kernel.marks_failed, "senders of signals not recorded for want of kernel memory"},
             {Severity::medium, status.spill_errors, "times that the kernel did not show the spilled exits"},
             {Severity::medium, refused(status, WatchRefusal::full), "processes not watched, as the pool was full"},
             {Severity::medium, refused(status, WatchRefusal::descriptors),
              "processes not watched for want of descriptors"},
             {Severity::medium, refused(status, WatchRefusal::memory), "processes not watched for want of memory"},
             {Severity::medium, sum_of(status.lines_lost), "events that no reader of JSON lines got"},
             {Severity::medium, data.series_overflow,
              "counts without room in metrics.max_series: they are in namespace _other"},
         }) {
        if (trouble.count != 0) {
            found.push_back({trouble.severity, fmt::format("{}: {}", trouble.what, format_count(trouble.count))});
        }
    }
}

} // namespace

std::vector<Concern> concerns(const PageData& data) {
    const Status& status = data.status;
    std::vector<Concern> found;
    if (!status.ready) {
        found.push_back({Severity::high, "starting: programs are being attached or processes are being scanned"});
    }
    if (!status.bpf) {
        found.push_back({Severity::high, "without BPF: short lives and killers are missed, causes are guesses"});
    }
    if (!status.config_reload_ok) {
        found.push_back({Severity::high,
                         "the last reload of the configuration failed; the one before it is in force, the "
                         "log says what is wrong"});
    }
    add_troubles(found, data);
    std::map<std::string_view, std::string> off; // by why: one refusal often takes several features with it
    for (const Feature& feature : status.features) {
        if (!feature.on()) {
            std::string& names = off[feature.why_not];
            names += (names.empty() ? "" : ", ") + feature.name;
        }
    }
    for (const auto& [why, names] : off) {
        found.push_back({Severity::medium, fmt::format("off: {}: {}", names, why)});
    }
    for (const TableFill& table : status.tables) {
        if (table.entries >= table.capacity) {
            found.push_back({Severity::medium, fmt::format("the table {} is full", table.table)});
        }
    }
    return found;
}

} // namespace knell
