#include "bench/report.hpp"

#include "bench/program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace knell::bench {
namespace {

// Text for gnuplot, between double quotes.
std::string quoted(const std::string& text) {
    std::string safe;
    for (const char c : text) {
        safe += c == '"' || c == '\\' ? '\'' : c;
    }
    return '"' + safe + '"';
}

Result<> plot(const std::string& script) {
    const auto gnuplot = installed("gnuplot");
    if (!gnuplot) {
        return failure("gnuplot is not installed (Debian's gnuplot-nox): plots are made with it");
    }
    const auto made = output_of({*gnuplot, "-e", script});
    return made ? Result<>() : failure_in("plotting", made.error());
}

std::string settings(const std::string& path, const std::string& title) {
    return fmt::format("set terminal svg size 900,480 dynamic background 'white'; set output {}; set title {}; "
                       "set grid ytics; ",
                       quoted(path), quoted(title));
}

// For each size of the pool and each contestant a candle: p50, p90 and p99.
Result<> plot_latencies(const Report& report, const std::string& directory) {
    if (report.latencies().empty()) {
        return {};
    }
    std::string data;
    for (const Latencies& one : report.latencies()) {
        data += fmt::format("{} {} {:.2f} {:.2f} {:.2f}\n", quoted(one.subject), one.watches, one.percentile(0.5),
                            one.percentile(0.9), one.percentile(0.99));
    }
    const std::string file = directory + "/react.dat";
    std::ofstream(file) << data;
    std::string script = settings(directory + "/react.svg", "Notify to wake-up, by number of watched processes");
    script += "set logscale x; set xlabel 'watched processes'; set ylabel 'microseconds: p50, whisker to p99'; "
              "set xrange [50:40000]; set yrange [0:*]; set key outside below; plot ";
    std::vector<std::string> subjects;
    for (const Latencies& one : report.latencies()) {
        if (std::ranges::find(subjects, one.subject) == subjects.end()) {
            subjects.push_back(one.subject);
        }
    }
    double shift = 0.85; // side by side, not on top of each other
    for (const std::string& subject : subjects) {
        script += fmt::format("{} using (stringcolumn(1) eq {} ? $2*{:.2f} : NaN):3:3:5 with yerrorbars pointtype 7 "
                              "title {}, ",
                              quoted(file), quoted(subject), shift, quoted(subject));
        shift += 0.1;
    }
    const auto plotted = plot(script);
    (void)std::filesystem::remove(file);
    return plotted;
}

// Bars: CPU per exit, by tool and by watcher.
Result<> plot_cpu(const Report& report, const std::string& run, const std::string& title, const std::string& path) {
    std::string data;
    for (const Figure& figure : report.figures()) {
        if (figure.run == run && figure.name == "CPU per exit") {
            data += fmt::format("{} {:.3f}\n", quoted(figure.subject), figure.median());
        }
    }
    if (data.empty()) {
        return {};
    }
    const std::string file = path + ".dat";
    std::ofstream(file) << data;
    std::string script = settings(path, title);
    script +=
        fmt::format("set style fill solid 0.7; set boxwidth 0.6; set ylabel 'microseconds of CPU per exit'; "
                    "set yrange [0:*]; set xtics rotate by -20; "
                    "plot {0} using 0:2:xtic(1) with boxes notitle, {0} using 0:2:(sprintf('%.2f',$2)) with labels "
                    "offset 0,0.7 notitle",
                    quoted(file));
    const auto plotted = plot(script);
    (void)std::filesystem::remove(file);
    return plotted;
}

} // namespace

Result<> write_svg(const Report& report, const std::string& directory) {
    std::error_code refused;
    std::filesystem::create_directories(directory, refused);
    if (refused) {
        return failure("making the folder " + directory + ": " + refused.message());
    }
    if (auto plotted = plot_latencies(report, directory); !plotted) {
        return plotted;
    }
    if (auto plotted = plot_cpu(report, "storm", "CPU of each tool in a storm of exits", directory + "/storm.svg");
        !plotted) {
        return plotted;
    }
    return plot_cpu(report, "mass-exit", "CPU of each watcher when all its processes die at once",
                    directory + "/mass-exit.svg");
}

} // namespace knell::bench
