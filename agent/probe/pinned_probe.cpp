// What of a Probe outlives the agent, and what it finds of those before it.

#include "agent/probe/probe.hpp"
#include "agent/probe/programs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace knell {

// Nothing to adopt is no failure.
Result<> Probe::adopt(const ProbeOptions& options, PinDirectory& pins) {
    const std::string& name = programs_->pin_name();
    const auto stock = pins.take_stock();
    if (!stock) {
        return std::unexpected(stock.error());
    }
    if (std::ranges::find(*stock, name) == stock->end()) {
        return {};
    }
    if (auto adopted = programs_->adopt(pins.path_of(name), options); !adopted) {
        return adopted;
    }
    adopted_ = true;
    auto mapped = map_shared_memory(options);
    adopted_ = mapped.has_value();
    return mapped;
}

void Probe::keep(PinDirectory pins, const std::string& why_afresh) {
    pins_ = std::move(pins);
    const auto pinned = adopted_ ? Result<>() : pin();
    std::vector<std::string> problems = stop_predecessors();
    if (!why_afresh.empty()) {
        problems.insert(problems.begin(), "what was there could not be taken over: " + why_afresh);
    }
    if (!pinned) {
        problems.push_back(pinned.error().message);
    }
    const std::string hook = (adopted_ ? "taken over from " : "pinned in ") + pins_->path();
    features_.push_back({"restart", pinned ? hook : "", fmt::format("{}", fmt::join(problems, "; ")), ""});
}

// Under another name until it is whole. What could not be taken over makes room.
Result<> Probe::pin() {
    const std::string& name = programs_->pin_name();
    if (auto removed = pins_->remove(name); !removed) {
        return removed;
    }
    const auto directory = pins_->begin(name);
    if (!directory) {
        return std::unexpected(directory.error());
    }
    auto pinned = programs_->pin(*directory);
    return pinned ? pins_->publish(name) : pinned;
}

// Ours are attached by now: nothing is missed, and what both saw is told once (Observer::read_predecessors()).
std::vector<std::string> Probe::stop_predecessors() {
    std::vector<std::string> lost;
    const auto stock = pins_->take_stock();
    if (!stock) {
        return {stock.error().message};
    }
    for (const std::string& name : *stock) {
        if (name == programs_->pin_name()) {
            continue;
        }
        auto stopped = Programs::shares_contract(name)
                           ? Predecessor::stop(*pins_, name)
                           : Result<Predecessor>(failure(pins_->path_of(name) + " is of another version of knell"));
        if (stopped) {
            predecessors_.push_back(std::move(*stopped));
            continue;
        }
        lost.push_back("what waited there is lost: " + stopped.error().message);
        if (auto removed = pins_->remove(name); !removed) {
            lost.push_back(removed.error().message);
        }
    }
    return lost;
}

Result<> Probe::drop_predecessors() {
    Result<> dropped;
    for (const Predecessor& each : std::exchange(predecessors_, {})) {
        if (auto removed = pins_->remove(each.name()); !removed) {
            dropped = std::move(removed);
        }
    }
    return dropped;
}

Result<> Probe::unpin() {
    if (!pins_) {
        return {};
    }
    programs_->unpinned();
    return pins_->remove(programs_->pin_name());
}

} // namespace knell
