// Configuration files.
#include "agent/config/config.hpp"

#include "agent/input/listen_address.hpp"
#include "tests/fuzz/promise.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

namespace knell::fuzz {
namespace {

constexpr std::string_view kName = "knell.yaml";

// The number in "knell.yaml:NUMBER: ..."; 0: there is none.
int line_named_in(std::string_view problem) {
    int line = 0;
    if (problem.starts_with(kName) && problem.substr(kName.size()).starts_with(':')) {
        const std::string_view rest = problem.substr(kName.size() + 1);
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), line);
        return error == std::errc{} && std::string_view(end, rest.data() + rest.size()).starts_with(": ") ? line : 0;
    }
    return line;
}

void check_refusal(std::string_view message, std::string_view text) {
    // What ends in a newline also ends in an empty line, where YAML finds that something is missing.
    const auto lines = static_cast<int>(std::ranges::count(text, '\n')) + 1;
    int last = 1;
    require(!message.empty(), "a refusal says why");
    for (std::size_t begin = 0; begin < message.size();) {
        const std::string_view problem = next_part(message, begin, '\n');
        require(is_harmless(problem), "a problem is one harmless line", problem);
        const int line = line_named_in(problem);
        const bool rest = problem.starts_with(std::string(kName) + ": ") && problem.ends_with(" more problems");
        require(rest || (line >= last && line <= lines), "problems name lines of the file, in its order", message);
        last = std::max(last, line);
    }
}

void check_config(const Config& config) {
    require(parse_listen_address(config.listen).has_value(), "the address can be listened on", config.listen);
    require(config.ring.size_bytes >= 65536 && config.ring.coalesce <= 10 * kMillisecond, "the ring is within limits");
    require(config.watch.pool.capacity >= 1 && config.watch.pool.capacity <= 1U << 20, "the pool is within limits");
    require(config.metrics.limits.max_series >= 1000 && config.metrics.limits.max_series <= 1'000'000,
            "series are within limits");
    require(config.state.pin.starts_with('/'), "the pin is an absolute path", config.state.pin);
    require(!config.stop_signals.empty() && config.stop_signals.size() <= 64, "lists are bounded");
    for (const auto* list : {&config.watch.select_cgroup, &config.watch.select_comm}) {
        require(!list->empty() && list->size() <= 64, "lists are bounded");
        require(std::ranges::all_of(*list, [](const auto& glob) { return !glob.empty() && glob.size() <= 256; }),
                "patterns are bounded");
    }
}

} // namespace
} // namespace knell::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace knell;
    const std::string text(fuzz::as_text(data, size));
    if (const auto config = parse_config(text, std::string(fuzz::kName))) {
        fuzz::check_config(*config);
    } else {
        fuzz::check_refusal(config.error().message, text);
    }
    return 0;
}
