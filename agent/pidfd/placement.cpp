#include "agent/pidfd/placement.hpp"

#include "agent/pidfd/signal_safe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace knell {
namespace {

Result<> check(std::span<const SpawnOptions::Descriptor> descriptors) {
    std::vector<int> numbers;
    for (const auto& [child_number, ours] : descriptors) {
        const std::string tried =
            "descriptor " + std::to_string(ours) + " as the program's descriptor " + std::to_string(child_number);
        if (child_number < 0) {
            return system_failure(tried, EINVAL, "numbers are not negative");
        }
        if (std::ranges::find(numbers, child_number) != numbers.end()) {
            return system_failure(tried, EINVAL, "another one is to have that number");
        }
        if (::fcntl(ours, F_GETFD) < 0) {
            return system_failure(tried, errno, "it is not open");
        }
        numbers.push_back(child_number);
    }
    return {};
}

} // namespace

Result<Placement> Placement::plan(std::span<const SpawnOptions::Descriptor> descriptors) {
    if (auto sound = check(descriptors); !sound) {
        return std::unexpected(std::move(sound.error()));
    }
    Placement placement;
    placement.kept_ = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
    for (const auto& [child_number, ours] : descriptors) {
        placement.targets_.push_back(child_number);
        placement.sources_.push_back(ours);
        placement.kept_.push_back(ours);
    }
    placement.kept_.push_back(kSpare);
    std::ranges::sort(placement.targets_);
    placement.order(descriptors);
    return placement;
}

// A move may be made once no other one still needs what it overwrites. Where every move waits for another, they go
// round in circles: one of them is served from a spare number.
void Placement::order(std::span<const SpawnOptions::Descriptor> descriptors) {
    std::vector<Move> waiting;
    for (const auto& [child_number, ours] : descriptors) {
        waiting.push_back({.from = ours, .to = child_number, .index = static_cast<int>(waiting.size())});
    }
    const auto is_free = [&waiting](const Move& move) {
        return std::ranges::none_of(
            waiting, [&move](const Move& other) { return other.index != move.index && other.from == move.to; });
    };
    while (!waiting.empty()) {
        const auto next = std::ranges::find_if(waiting, is_free);
        if (next != waiting.end()) {
            moves_.push_back(*next);
            waiting.erase(next);
        } else {
            // Every number that is still to be filled is open here, so the spare, which was free, is none of them.
            Move& first = waiting.front();
            moves_.push_back({.from = first.from, .to = kSpare, .index = first.index});
            first.from = kSpare;
        }
    }
}

bool Placement::is_target(int number) const {
    return std::ranges::binary_search(targets_, number);
}

StartReport Placement::apply(int& report) noexcept {
    // Closed, not marked close-on-exec: it makes room where our table of descriptors was full.
    kept_.back() = report;
    std::ranges::sort(kept_);
    if (const int refusal = signal_safe::close_all_but(kept_); refusal < 0) {
        return {StartStep::close_descriptors, -refusal, 0};
    }
    const int aside = step_aside(report);
    if (aside < 0) {
        return {StartStep::close_descriptors, errno, 0};
    }
    report = aside;
    const StartReport moved = move_all();
    for (const int source : sources_) {
        if (source > STDERR_FILENO && !is_target(source)) {
            (void)::close(source);
        }
    }
    return moved;
}

int Placement::step_aside(int report) const noexcept {
    const auto needed = [this](int number) { return number <= STDERR_FILENO || is_target(number); };
    if (!needed(report)) {
        return report;
    }
    int aside = report;
    while (aside >= 0 && needed(aside)) {
        // What lands on a needed number on the way is overwritten by the move to it.
        aside = ::fcntl(report, F_DUPFD_CLOEXEC, std::max(aside, STDERR_FILENO) + 1);
    }
    if (aside >= 0) {
        (void)::close(report);
    }
    return aside;
}

StartReport Placement::move_all() const noexcept {
    int spare = kSpare;
    for (const Move& move : moves_) {
        const int from = move.from == kSpare ? spare : move.from;
        int made = -1;
        if (move.to == kSpare) {
            made = spare = ::fcntl(from, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        } else if (move.to == from) {
            made = ::fcntl(from, F_SETFD, 0); // dup2 would leave it close-on-exec
        } else {
            made = ::dup2(from, move.to);
        }
        if (made < 0) {
            return {StartStep::place_descriptor, errno, move.index};
        }
    }
    return {};
}

} // namespace knell
