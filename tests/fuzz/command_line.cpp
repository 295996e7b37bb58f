// Values as they are written on a command line or in the configuration.
#include "agent/input/listen_address.hpp"
#include "agent/input/values.hpp"
#include "tests/fuzz/promise.hpp"

#include <fmt/format.h>

#include <bit>
#include <string>
#include <string_view>

namespace knell::fuzz {
namespace {

// A refusal repeats what was written to a terminal or a log.
template <typename T>
void check_refusal(const Result<T>& value) {
    require(value || (!value.error().message.empty() && is_harmless(value.error().message)),
            "a refusal is one harmless line", value ? "" : value.error().message);
}

void check_listen_address(std::string_view text) {
    const auto address = parse_listen_address(text);
    check_refusal(address);
    if (!address) {
        return;
    }
    require(is_harmless(address->host), "a host is harmless", address->host);
    const std::string host = address->host.contains(':') ? '[' + address->host + ']' : address->host;
    const auto again = parse_listen_address(fmt::format("{}:{}", host, address->port));
    require(again && again->host == address->host && again->port == address->port, "an address reads the same again",
            address->host);
    require(parse_listen(text) == std::string(text), "the configuration takes what the command line takes");
}

void check_numbers(std::string_view text) {
    constexpr Nanoseconds kHighest = 3600 * kSecond;
    const auto duration = parse_duration(text, kHighest);
    check_refusal(duration);
    require(!duration || *duration <= kHighest, "a duration is within its limit", text);
    const auto size = parse_ring_size(text);
    check_refusal(size);
    require(!size || (std::has_single_bit(*size) && *size >= 65536 && *size <= 1U << 30), "a ring has a ring's size",
            text);
    const auto integer = parse_integer(text, 1, 1000);
    check_refusal(integer);
    require(!integer || (*integer >= 1 && *integer <= 1000), "a number is within its limits", text);
}

void check_names(std::string_view text) {
    const auto signal = parse_stop_signal(text);
    check_refusal(signal);
    require(!signal || signal_number(signal_name(*signal)) == *signal, "a signal has one name", text);
    const auto reason = parse_reason(text);
    check_refusal(reason);
    require(!reason || name(*reason) == text, "a reason is its name", text);
    check_refusal(parse_bool(text));
    check_refusal(parse_glob(text));
    check_refusal(parse_path(text));
    check_refusal(parse_absolute_path(text));
}

} // namespace
} // namespace knell::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = knell::fuzz::as_text(data, size);
    knell::fuzz::check_listen_address(text);
    knell::fuzz::check_numbers(text);
    knell::fuzz::check_names(text);
    return 0;
}
