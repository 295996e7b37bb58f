#pragma once

#include "agent/base/result.hpp"

#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace knell::bench {

// One quantity of one contestant in one run: a sample for each repetition.
struct Figure {
    std::string run;     // "storm", "react", ...
    std::string subject; // who was measured: "knell", "exitsnoop", "nothing"
    std::string name;    // what: "cpu_per_exit"
    std::string unit;    // "us", "s", "1/s", "bytes", "" for a plain number
    std::vector<double> samples;

    [[nodiscard]] double median() const;
    [[nodiscard]] double least() const;
    [[nodiscard]] double most() const;
};

// Latencies of one contestant at one size of the pool, all repetitions together, sorted.
struct Latencies {
    std::string run;
    std::string subject;
    std::size_t watches = 0;
    std::vector<double> us;

    // `share` of 1; 0 when nothing was measured.
    [[nodiscard]] double percentile(double share) const;
};

// A contestant that could not take part.
struct Absent {
    std::string run;
    std::string subject;
    std::string why;
};

// A demand and how the measurement stands to it.
struct Target {
    std::string run;
    std::string what;   // "agent CPU per exit"
    std::string unit;   // of `limit` and `got`
    double limit = 0;   // not more than this
    double got = 0;     // not a number: nobody measured it
    std::string remark; // what `limit` stands for when it is another contestant's figure; may be empty

    [[nodiscard]] bool measured() const { return !std::isnan(got); }
    [[nodiscard]] bool met() const { return got <= limit; }
};

// What all runs found. Filled by the runs one after the other; one thread.
class Report {
  public:
    void add(std::string_view run, std::string_view subject, std::string_view name, std::string_view unit,
             double sample);
    void add_latencies(std::string_view run, std::string_view subject, std::size_t watches,
                       const std::vector<double>& us);
    void absent(Absent absent);
    // Which one of a contestant's versions took part; empty: not known.
    void version(const std::string& subject, const std::string& version) { versions_[subject] = version; }
    void target(Target target) { targets_.push_back(std::move(target)); }

    // Null when nobody measured it.
    [[nodiscard]] const Figure* figure(std::string_view run, std::string_view subject, std::string_view name) const;
    [[nodiscard]] const Latencies* latencies(std::string_view run, std::string_view subject, std::size_t watches) const;

    // Names of all runs, in the order of their first figure.
    [[nodiscard]] std::vector<std::string> runs() const;
    [[nodiscard]] const std::vector<Figure>& figures() const { return figures_; }
    [[nodiscard]] const std::vector<Latencies>& latencies() const { return latencies_; }
    [[nodiscard]] const std::vector<Absent>& absent() const { return absent_; }
    [[nodiscard]] const std::vector<Target>& targets() const { return targets_; }
    [[nodiscard]] const std::map<std::string, std::string>& versions() const { return versions_; }

  private:
    std::vector<Figure> figures_; // in the order of their first sample
    std::vector<Latencies> latencies_;
    std::vector<Absent> absent_;
    std::vector<Target> targets_;
    std::map<std::string, std::string> versions_;
};

// For people, on standard output: one run's figures, contestants as rows; and the demands with "met" or the distance.
void print_run(const Report& report, std::string_view run);
void print_targets(const Report& report);

// For machines: everything, with the machine, the kernel and the versions named.
Result<> write_json(const Report& report, const std::string& path);

// Plots into a directory, by gnuplot: latencies by pool size, CPU per exit by tool. Fails when gnuplot is missing.
Result<> write_svg(const Report& report, const std::string& directory);

} // namespace knell::bench
