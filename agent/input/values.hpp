#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/result.hpp"
#include "agent/cause/reason.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace knell {

// From the text of a single value to what it means. A failure's message is "what is wrong (what would be right)".

// "500us", "100ms", "1.5s", "10m", "1h", "7d"; a number without a unit is refused because nobody knows which was meant.
Result<Nanoseconds> parse_duration(std::string_view text, Nanoseconds highest);

// "65536", "64KiB", "8MiB", "1GiB": a power of two, which is what a ring has.
Result<std::uint64_t> parse_ring_size(std::string_view text);

Result<std::uint32_t> parse_integer(std::string_view text, std::uint32_t lowest, std::uint32_t highest);

// `true` or `false`; not YAML 1.1's yes, no, on and off.
Result<bool> parse_bool(std::string_view text);

// "host:port" in a form that parse_listen_address() takes apart.
Result<std::string> parse_listen(std::string_view text);

// A glob of 1 to 256 bytes, with or without a leading "!".
Result<std::string> parse_glob(std::string_view text);

// Any path; and one that starts at the root.
Result<std::string> parse_path(std::string_view text);
Result<std::string> parse_absolute_path(std::string_view text);

// What is said of a word that is none of these.
std::string not_one_of(std::string_view word, std::span<const std::string_view> words);

template <typename T>
struct Choice {
    std::string_view name;
    T value;
};

// One of a few names.
template <typename T, std::size_t N>
Result<T> parse_choice(std::string_view text, const std::array<Choice<T>, N>& choices) {
    std::array<std::string_view, N> names;
    for (std::size_t i = 0; i < N; ++i) {
        if (text == choices[i].name) {
            return choices[i].value;
        }
        names[i] = choices[i].name;
    }
    return failure(not_one_of(text, names));
}

Result<Reason> parse_reason(std::string_view text);

// A signal that can ask a process to stop, by name or number.
Result<int> parse_stop_signal(std::string_view text);

} // namespace knell
