#include "bench/herd.hpp"

#include <algorithm>
#include <csignal>
#include <random>
#include <sstream>
#include <string>
#include <utility>

namespace knell::bench {
namespace {

constexpr Nanoseconds kPatience = 60 * kSecond;

} // namespace

Result<Herd> Herd::start(std::size_t count) {
    auto parent = Background::start({beside_us("knell-herd"), std::to_string(count)});
    if (!parent) {
        return std::unexpected(std::move(parent.error()));
    }
    std::string output;
    const bool ready = eventually(
        [&] {
            output = parent->output().value_or("");
            return output.ends_with("ready\n") || !parent->running();
        },
        kPatience);
    if (!ready || !output.ends_with("ready\n")) {
        return failure("starting " + std::to_string(count) +
                       " processes: " + output.substr(output.size() < 200 ? 0 : output.size() - 200) +
                       " (kernel.pid_max, a pids cgroup, memory?)");
    }
    Herd herd;
    std::istringstream numbers(output);
    for (pid_t pid = 0; numbers >> pid;) {
        herd.pids_.push_back(pid);
    }
    herd.parent_.emplace(std::move(*parent));
    return herd;
}

Result<> Herd::kill(std::size_t which) const {
    if (::kill(pids_[which], SIGKILL) != 0) {
        return system_failure("killing process " + std::to_string(pids_[which]), errno);
    }
    return {};
}

Result<> Herd::kill_all() const {
    if (::kill(-pids_.front(), SIGKILL) != 0) {
        return system_failure("killing process group " + std::to_string(pids_.front()), errno);
    }
    return {};
}

Result<> Herd::wait_until_collected() {
    const auto status = parent_->wait(kPatience);
    if (!status) {
        return std::unexpected(status.error());
    }
    return *status == 0 ? Result<>() : failure("the parent of the sleeping processes failed");
}

std::vector<std::size_t> random_victims(std::size_t herd, std::size_t deaths, std::uint32_t round) {
    std::vector<std::size_t> all(herd);
    for (std::size_t i = 0; i < herd; ++i) {
        all[i] = i;
    }
    std::mt19937 random(round);
    std::ranges::shuffle(all, random);
    all.resize(std::min(deaths, herd));
    return all;
}

} // namespace knell::bench
