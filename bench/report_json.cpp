#include "bench/report.hpp"

#include "agent/base/file.hpp"
#include "agent/base/text.hpp"
#include "bench/program.hpp"
#include "version.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <fstream>

namespace knell::bench {
namespace {

using Json = nlohmann::ordered_json;

std::string read(const char* path) {
    constexpr std::size_t kMost = 1U << 20;
    return read_small_file(AT_FDCWD, path, kMost).value_or("");
}

// The value of the first "name : value" line.
std::string value_of(const std::string& text, const std::string& name) {
    const std::size_t at = text.find(name);
    const std::size_t colon = text.find(':', at);
    if (at == std::string::npos || colon == std::string::npos) {
        return "";
    }
    const std::size_t begin = text.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : text.substr(begin, text.find('\n', begin) - begin);
}

// As it was typed, but for quotes.
std::string command_line() {
    std::string words = read("/proc/self/cmdline");
    std::ranges::replace(words, '\0', ' ');
    if (!words.empty()) {
        words.pop_back();
    }
    return words;
}

Json describe_machine() {
    utsname kernel{};
    (void)::uname(&kernel);
    const std::string cpu = read("/proc/cpuinfo");
    Json machine = Json::object();
    machine["cpu"] = value_of(cpu, "model name");
    machine["cores"] = ::sysconf(_SC_NPROCESSORS_ONLN);
    machine["virtual"] = cpu.find(" hypervisor") != std::string::npos;
    machine["memory"] = value_of(read("/proc/meminfo"), "MemTotal");
    machine["kernel"] = kernel.release;
    machine["architecture"] = kernel.machine;
    return machine;
}

// Pairs of an upper bound and the samples up to it and above the one before; four buckets for each factor of two, those
// without samples left out.
Json describe_histogram(const Latencies& latencies) {
    Json buckets = Json::array();
    double bound = 0.0625;
    const double step = std::exp2(0.25);
    std::size_t inside = 0;
    for (const double us : latencies.us) {
        if (us > bound && inside > 0) {
            buckets.push_back({bound, inside});
            inside = 0;
        }
        while (us > bound) {
            bound *= step;
        }
        ++inside;
    }
    if (inside > 0) {
        buckets.push_back({bound, inside});
    }
    return buckets;
}

Json describe_latencies(const Latencies& latencies) {
    Json json = Json::object();
    json["run"] = latencies.run;
    json["subject"] = latencies.subject;
    json["watches"] = latencies.watches;
    json["samples"] = latencies.us.size();
    for (const auto& [name, share] :
         {std::pair{"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"p99.9_us", 0.999}}) {
        json[name] = latencies.percentile(share);
    }
    json["most_us"] = latencies.percentile(1);
    json["histogram_us"] = describe_histogram(latencies);
    return json;
}

Json describe(const Report& report) {
    Json json = Json::object();
    json["date"] = format_rfc3339(static_cast<std::uint64_t>(std::time(nullptr)) * kSecond);
    json["version"] = KNELL_VERSION;
    json["revision"] = KNELL_REVISION;
    json["command"] = command_line();
    json["machine"] = describe_machine();
    json["peers"] = report.versions();
    Json figures = Json::array();
    for (const Figure& figure : report.figures()) {
        figures.push_back({{"run", figure.run},
                           {"subject", figure.subject},
                           {"name", figure.name},
                           {"unit", figure.unit},
                           {"median", figure.median()},
                           {"samples", figure.samples}});
    }
    json["figures"] = std::move(figures);
    Json latencies = Json::array();
    for (const Latencies& one : report.latencies()) {
        latencies.push_back(describe_latencies(one));
    }
    json["latencies"] = std::move(latencies);
    Json absent = Json::array();
    for (const Absent& one : report.absent()) {
        absent.push_back({{"run", one.run}, {"subject", one.subject}, {"why", one.why}});
    }
    json["absent"] = std::move(absent);
    Json targets = Json::array();
    for (const Target& target : report.targets()) {
        targets.push_back({{"run", target.run},
                           {"what", target.what},
                           {"unit", target.unit},
                           {"limit", target.limit},
                           {"measured", target.got},
                           {"met", target.met()},
                           {"remark", target.remark}});
    }
    json["targets"] = std::move(targets);
    return json;
}

} // namespace

Result<> write_json(const Report& report, const std::string& path) {
    std::ofstream file(path);
    file << describe(report).dump(2) << '\n';
    file.close();
    return file ? Result<>() : failure("writing " + path + ": is there a folder and room for it?");
}

} // namespace knell::bench
