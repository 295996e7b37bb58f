#include "agent/input/values.hpp"

#include "agent/input/listen_address.hpp"
#include "agent/input/quoted.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <climits>
#include <cmath>
#include <csignal>
#include <optional>
#include <span>

namespace knell {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

// Ascending, for in_units().
constexpr std::array<Unit, 7> kTimeUnits = {{{"ns", 1},
                                             {"us", kMicrosecond},
                                             {"ms", kMillisecond},
                                             {"s", kSecond},
                                             {"m", 60 * kSecond},
                                             {"h", 3600 * kSecond},
                                             {"d", 86400 * kSecond}}};
constexpr std::array<Unit, 4> kSizeUnits = {{{"", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}}};

constexpr std::uint64_t kMinRing = 64ULL << 10; // the largest page size in use (arm64): a ring holds whole pages
constexpr std::uint64_t kMaxRing = 1ULL << 30;
constexpr std::size_t kMaxGlob = 256;

constexpr std::string_view kDurationHint = "write a number and us, ms, s, m, h or d, like 100ms";
constexpr std::string_view kSizeHint = "write a number and KiB, MiB or GiB, like 8MiB";

// A limit, not 0, as a person would write it: "1h", "64KiB".
std::string in_units(std::uint64_t value, std::span<const Unit> units) {
    const auto unit = std::find_if(units.rbegin(), units.rend() - 1,
                                   [value](const Unit& candidate) { return value % candidate.factor == 0; });
    return fmt::format("{}{}", value / unit->factor, unit->name);
}

const Unit* find_unit(std::string_view name, std::span<const Unit> units) {
    const auto unit = std::ranges::find(units, name, &Unit::name);
    return unit == units.end() ? nullptr : &*unit;
}

bool starts_with_digit(std::string_view text) {
    return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

std::string_view rest_of(std::string_view text, const char* end) {
    return text.substr(static_cast<std::size_t>(end - text.data()));
}

template <typename T>
Failure out_of_range(std::string_view text, const T& lowest, const T& highest) {
    return failure(fmt::format("{} is out of range (write {} to {})", quoted(text), lowest, highest));
}

} // namespace

Result<Nanoseconds> parse_duration(std::string_view text, Nanoseconds highest) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    // from_chars() also takes "-1", "inf" and "nan".
    if (!starts_with_digit(text) || error == std::errc::invalid_argument) {
        return failure(fmt::format("{} is not a duration ({})", quoted(text), kDurationHint));
    }
    const std::string_view unit_name = rest_of(text, end);
    if (unit_name.empty()) {
        return failure(fmt::format("{} has no unit ({})", quoted(text), kDurationHint));
    }
    const Unit* unit = find_unit(unit_name, kTimeUnits);
    if (unit == nullptr) {
        return failure(fmt::format("{} is not a duration ({})", quoted(text), kDurationHint));
    }
    // Compared as a double, which has no overflow; the limits are far below 2^53 ns.
    const double nanoseconds = std::round(number * static_cast<double>(unit->factor));
    if (error == std::errc::result_out_of_range || nanoseconds > static_cast<double>(highest)) {
        return failure(fmt::format("{} is too long (write at most {})", quoted(text), in_units(highest, kTimeUnits)));
    }
    return static_cast<Nanoseconds>(nanoseconds);
}

Result<std::uint64_t> parse_ring_size(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const Unit* unit = find_unit(rest_of(text, end), kSizeUnits);
    if (error == std::errc::invalid_argument || unit == nullptr) {
        return failure(fmt::format("{} is not a size ({})", quoted(text), kSizeHint));
    }
    if (error == std::errc::result_out_of_range || number > kMaxRing / unit->factor ||
        number * unit->factor < kMinRing) {
        return out_of_range(text, in_units(kMinRing, kSizeUnits), in_units(kMaxRing, kSizeUnits));
    }
    const std::uint64_t size = number * unit->factor;
    if (!std::has_single_bit(size)) {
        return failure(fmt::format("{} is not a power of two (write {} or {})", quoted(text),
                                   in_units(std::bit_floor(size), kSizeUnits),
                                   in_units(std::bit_ceil(size), kSizeUnits)));
    }
    return size;
}

Result<std::uint32_t> parse_integer(std::string_view text, std::uint32_t lowest, std::uint32_t highest) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc::invalid_argument || end != text.data() + text.size()) {
        return failure(fmt::format("{} is not a whole number (write {} to {})", quoted(text), lowest, highest));
    }
    if (error == std::errc::result_out_of_range || number < lowest || number > highest) {
        return out_of_range(text, lowest, highest);
    }
    return number;
}

Result<bool> parse_bool(std::string_view text) {
    static constexpr std::array<Choice<bool>, 2> kChoices = {{{"true", true}, {"false", false}}};
    return parse_choice(text, kChoices);
}

Result<std::string> parse_listen(std::string_view text) {
    if (const Result<ListenAddress> address = parse_listen_address(text); !address) {
        return std::unexpected(address.error());
    }
    return std::string(text);
}

Result<std::string> parse_glob(std::string_view text) {
    if (text.empty() || text == "!") {
        return failure(fmt::format("{} is an empty pattern (write \"*\" for everything)", quoted(text)));
    }
    if (text.size() > kMaxGlob) {
        return failure(fmt::format("{} is longer than {} bytes (shorten it with *)", quoted(text), kMaxGlob));
    }
    return std::string(text);
}

Result<std::string> parse_path(std::string_view text) {
    if (text.empty() || text.size() >= PATH_MAX) {
        return failure(fmt::format("{} is not a path (write 1 to {} bytes)", quoted(text), PATH_MAX - 1));
    }
    return std::string(text);
}

Result<std::string> parse_absolute_path(std::string_view text) {
    if (!text.starts_with('/')) {
        return failure(fmt::format("{} is not an absolute path (start it with /)", quoted(text)));
    }
    return parse_path(text);
}

std::string not_one_of(std::string_view word, std::span<const std::string_view> words) {
    return fmt::format("{} is not known here (write one of {})", quoted(word), fmt::join(words, ", "));
}

Result<Reason> parse_reason(std::string_view text) {
    static const auto kChoices = [] {
        std::array<Choice<Reason>, kReasonCount> choices;
        for (std::size_t i = 0; i < kReasonCount; ++i) {
            choices[i] = {kReasonNames[i], static_cast<Reason>(i)};
        }
        return choices;
    }();
    return parse_choice(text, kChoices);
}

Result<int> parse_stop_signal(std::string_view text) {
    constexpr std::string_view kHint = "write a name like SIGTERM, or a number from 1 to 64";
    const std::optional<int> number = signal_number(text);
    if (!number) {
        return failure(fmt::format("{} is no signal ({})", quoted(text), kHint));
    }
    if (*number == SIGKILL || *number == SIGSTOP) {
        return failure(fmt::format("{} cannot be handled, so it asks for nothing ({})", quoted(text), kHint));
    }
    if (*number == SIGCHLD) {
        return failure(fmt::format("{} tells of a child and asks for nothing ({})", quoted(text), kHint));
    }
    return *number;
}

} // namespace knell
