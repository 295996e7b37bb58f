#include "exporters/prometheus/page/concerns.hpp"

#include "exporters/prometheus/page/html.hpp"

#include <map>
#include <string_view>

namespace knell {

namespace {

// Of something that only goes up and should not.
struct Trouble {
    Tone tone;
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
             Trouble{Tone::bad, kernel.exits_unaccounted, "exits that are in no count, as ring and spill were full"},
             {Tone::bad, status.decode_errors, "records that could not be read"},
             {Tone::bad, disagreements, "deaths of which record and pidfd told differently"},
             {Tone::warn, kernel.exits_spilled, "exits that found the ring full: counted, without their details"},
             {Tone::warn, kernel.forks_dropped,
              "births that found the ring full: those processes are looked for in /proc"},
             {Tone::warn, kernel.execs_dropped, "execs that found the ring full: names may be stale"},
             {Tone::warn, kernel.marks_failed, "senders of signals not recorded for want of kernel memory"},
             {Tone::warn, status.spill_errors, "times that the kernel did not show the spilled exits"},
             {Tone::warn, refused(status, WatchRefusal::full), "processes not watched, as the pool was full"},
             {Tone::warn, refused(status, WatchRefusal::descriptors), "processes not watched for want of descriptors"},
             {Tone::warn, refused(status, WatchRefusal::memory), "processes not watched for want of memory"},
             {Tone::warn, sum_of(status.lines_lost), "events that no reader of JSON lines got"},
             {Tone::warn, data.series_overflow,
              "counts without room in metrics.max_series: they are in namespace _other"},
         }) {
        if (trouble.count != 0) {
            found.push_back({trouble.tone, fmt::format("{}: {}", trouble.what, format_count(trouble.count))});
        }
    }
}

} // namespace

std::vector<Concern> concerns(const PageData& data) {
    const Status& status = data.status;
    std::vector<Concern> found;
    if (!status.ready) {
        found.push_back({Tone::bad, "starting: programs are being attached or processes are being scanned"});
    }
    if (!status.bpf) {
        found.push_back({Tone::bad, "without BPF: short lives and killers are missed, causes are guesses"});
    }
    if (!status.config_reload_ok) {
        found.push_back({Tone::bad, "the last reload of the configuration failed; the one before it is in force, the "
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
        found.push_back({Tone::warn, fmt::format("off: {}: {}", names, why)});
    }
    for (const TableFill& table : status.tables) {
        if (table.entries >= table.capacity) {
            found.push_back({Tone::warn, fmt::format("the table {} is full", table.table)});
        }
    }
    return found;
}

} // namespace knell
