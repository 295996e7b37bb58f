#include "bench/report.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace knell::bench {

double Figure::median() const {
    if (samples.empty()) {
        return 0;
    }
    std::vector<double> sorted = samples;
    std::ranges::sort(sorted);
    const std::size_t middle = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double Figure::least() const {
    return samples.empty() ? 0 : *std::ranges::min_element(samples);
}

double Figure::most() const {
    return samples.empty() ? 0 : *std::ranges::max_element(samples);
}

double Latencies::percentile(double share) const {
    if (us.empty()) {
        return 0;
    }
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(us.size())));
    return us[std::clamp<std::size_t>(rank, 1, us.size()) - 1];
}

void Report::add(std::string_view run, std::string_view subject, std::string_view name, std::string_view unit,
                 double sample) {
    const auto same = [&](const Figure& figure) {
        return figure.run == run && figure.subject == subject && figure.name == name;
    };
    auto found = std::ranges::find_if(figures_, same);
    if (found == figures_.end()) {
        found =
            figures_.insert(found, {std::string(run), std::string(subject), std::string(name), std::string(unit), {}});
    }
    found->samples.push_back(sample);
}

void Report::add_latencies(std::string_view run, std::string_view subject, std::size_t watches,
                           const std::vector<double>& us) {
    const auto same = [&](const Latencies& latencies) {
        return latencies.run == run && latencies.subject == subject && latencies.watches == watches;
    };
    auto found = std::ranges::find_if(latencies_, same);
    if (found == latencies_.end()) {
        found = latencies_.insert(found, {std::string(run), std::string(subject), watches, {}});
    }
    found->us.insert(found->us.end(), us.begin(), us.end());
    std::ranges::sort(found->us);
}

// Once is enough, whatever the number of repetitions.
void Report::absent(Absent absent) {
    const auto same = [&](const Absent& other) { return other.run == absent.run && other.subject == absent.subject; };
    if (std::ranges::none_of(absent_, same)) {
        absent_.push_back(std::move(absent));
    }
}

const Figure* Report::figure(std::string_view run, std::string_view subject, std::string_view name) const {
    const auto found = std::ranges::find_if(figures_, [&](const Figure& figure) {
        return figure.run == run && figure.subject == subject && figure.name == name;
    });
    return found == figures_.end() ? nullptr : &*found;
}

const Latencies* Report::latencies(std::string_view run, std::string_view subject, std::size_t watches) const {
    const auto found = std::ranges::find_if(latencies_, [&](const Latencies& latencies) {
        return latencies.run == run && latencies.subject == subject && latencies.watches == watches;
    });
    return found == latencies_.end() ? nullptr : &*found;
}

std::vector<std::string> Report::runs() const {
    std::vector<std::string> names;
    const auto remember = [&names](const std::string& name) {
        if (std::ranges::find(names, name) == names.end()) {
            names.push_back(name);
        }
    };
    for (const Figure& figure : figures_) {
        remember(figure.run);
    }
    for (const Latencies& latencies : latencies_) {
        remember(latencies.run);
    }
    return names;
}

} // namespace knell::bench
