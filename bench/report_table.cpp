#include "bench/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace knell::bench {
namespace {

// Three significant digits, or whole numbers.
std::string number(double value) {
    const double size = value < 0 ? -value : value;
    if (size >= 100 || value == static_cast<double>(static_cast<long long>(value))) {
        return fmt::format("{:.0f}", value);
    }
    return size >= 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.2f}", value);
}

// "0.93 (0.90-1.02)": median, least and most.
std::string cell(const Figure& figure) {
    if (figure.samples.size() < 2 || figure.least() == figure.most()) {
        return number(figure.median());
    }
    return fmt::format("{} ({}-{})", number(figure.median()), number(figure.least()), number(figure.most()));
}

std::string heading(const Figure& figure) {
    return figure.unit.empty() ? figure.name : fmt::format("{} [{}]", figure.name, figure.unit);
}

void remember(std::vector<std::string>& names, const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) {
        names.push_back(name);
    }
}

using Rows = std::vector<std::vector<std::string>>;

void print_rows(const Rows& rows) {
    std::vector<std::size_t> widths(rows.front().size());
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += i == 0 ? fmt::format("{:<{}}", row[i], widths[i]) : fmt::format("  {:>{}}", row[i], widths[i]);
        }
        fmt::print("{}\n", line);
    }
}

// What is measured of few contestants (one program's mean) is a line of its own below the table.
void print_figures(const Report& report, std::string_view run) {
    std::vector<std::string> subjects;
    std::vector<const Figure*> alone;
    std::vector<const Figure*> columns;
    for (const Figure& figure : report.figures()) {
        if (figure.run != run) {
            continue;
        }
        remember(subjects, figure.subject);
        const auto same = std::ranges::count_if(report.figures(), [&](const Figure& other) {
            return other.run == figure.run && other.name == figure.name;
        });
        if (same == 1) {
            alone.push_back(&figure);
        } else if (std::ranges::find(columns, figure.name, &Figure::name) == columns.end()) {
            columns.push_back(&figure);
        }
    }
    if (!columns.empty()) {
        Rows rows(1, {std::string()});
        for (const Figure* column : columns) {
            rows.front().push_back(heading(*column));
        }
        for (const std::string& subject : subjects) {
            std::vector<std::string> row = {subject};
            for (const Figure* column : columns) {
                const Figure* figure = report.figure(run, subject, column->name);
                row.push_back(figure != nullptr ? cell(*figure) : "-");
            }
            rows.push_back(std::move(row));
        }
        print_rows(rows);
    }
    for (const Figure* figure : alone) {
        fmt::print("{}: {} {}\n", figure->subject, heading(*figure), cell(*figure));
    }
}

std::string verdict(const Target& target, const std::string& unit) {
    std::string verdict = "met";
    if (!target.measured()) {
        verdict = "not measured";
    } else if (!target.met()) {
        verdict = fmt::format("MISSED by {}{}", number(target.got - target.limit), unit);
    }
    return target.remark.empty() ? verdict : verdict + " (" + target.remark + ")";
}

void print_latencies(const Report& report, std::string_view run) {
    Rows rows(1, {"[us]", "watches", "samples", "p50", "p90", "p99", "p99.9", "most"});
    for (const Latencies& one : report.latencies()) {
        if (one.run == run) {
            rows.push_back({one.subject, fmt::format("{}", one.watches), fmt::format("{}", one.us.size()),
                            number(one.percentile(0.5)), number(one.percentile(0.9)), number(one.percentile(0.99)),
                            number(one.percentile(0.999)), number(one.percentile(1))});
        }
    }
    if (rows.size() > 1) {
        print_rows(rows);
    }
}

} // namespace

void print_run(const Report& report, std::string_view run) {
    fmt::print("\n== {}: median (least-most)\n", run);
    print_figures(report, run);
    print_latencies(report, run);
    for (const Absent& absent : report.absent()) {
        if (absent.run == run) {
            fmt::print("absent: {}: {}\n", absent.subject, absent.why);
        }
    }
}

void print_targets(const Report& report) {
    if (report.targets().empty()) {
        return;
    }
    fmt::print("\n== targets\n");
    Rows rows(1, {"run", "what", "target", "measured", ""});
    for (const Target& target : report.targets()) {
        const std::string unit = target.unit.empty() ? "" : " " + target.unit;
        rows.push_back({target.run, target.what, fmt::format("<= {}{}", number(target.limit), unit),
                        target.measured() ? number(target.got) + unit : "-", verdict(target, unit)});
    }
    print_rows(rows);
}

} // namespace knell::bench
