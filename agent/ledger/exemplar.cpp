#include "agent/ledger/exemplar.hpp"

#include <algorithm>
#include <cstring>

namespace knell {

void ExemplarCell::set(const ProcessIdentity& process, Instant time, Nanoseconds value) {
    Words words{};
    std::memcpy(words.data(), process.comm.data(), std::min(process.comm.size(), kCommWords * sizeof(std::uint64_t)));
    words[kCommWords] = time;
    words[kCommWords + 1] = value;
    words[kCommWords + 2] = process.pid;

    const std::uint64_t version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);
    for (std::size_t i = 0; i < kWords; ++i) {
        words_[i].store(words[i], std::memory_order_release);
    }
    version_.store(version + 2, std::memory_order_release);
}

std::optional<Exemplar> ExemplarCell::read() const {
    constexpr int kTries = 8;
    for (int i = 0; i < kTries; ++i) {
        const std::uint64_t before = version_.load(std::memory_order_acquire);
        if (before == 0) {
            return std::nullopt;
        }
        Words words{};
        for (std::size_t word = 0; word < kWords; ++word) {
            words[word] = words_[word].load(std::memory_order_acquire);
        }
        if (before % 2 != 0 || version_.load(std::memory_order_relaxed) != before) {
            continue;
        }
        std::array<char, kCommWords * sizeof(std::uint64_t)> comm{};
        std::memcpy(comm.data(), words.data(), comm.size());
        return Exemplar{.pid = static_cast<std::uint32_t>(words[kCommWords + 2]),
                        .comm = {comm.data(), ::strnlen(comm.data(), comm.size())},
                        .time = words[kCommWords],
                        .value = words[kCommWords + 1]};
    }
    return std::nullopt;
}

} // namespace knell
