#include "agent/base/log.hpp"

#include "agent/base/text.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <chrono>
#include <iterator>
#include <memory>
#include <string>

namespace knell::log {

namespace {

// A message quotes what processes are named and what peers send: it must not fill a disk.
constexpr std::size_t kMaxMessage = 16U << 10;

std::string_view name_of(spdlog::level::level_enum level) {
    switch (level) {
    case spdlog::level::debug:
        return "debug";
    case spdlog::level::warn:
        return "warn";
    case spdlog::level::err:
        return "error";
    default:
        return "info";
    }
}

spdlog::level::level_enum to_spdlog(Level level) {
    switch (level) {
    case Level::debug:
        return spdlog::level::debug;
    case Level::info:
        return spdlog::level::info;
    case Level::warn:
        return spdlog::level::warn;
    case Level::error:
        return spdlog::level::err;
    }
    return spdlog::level::info;
}

// "2026-01-31T12:00:00.123Z": a log line is read by people, milliseconds will do.
std::string time_of(spdlog::log_clock::time_point time) {
    const auto since_epoch = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
    std::string text = format_rfc3339(static_cast<std::uint64_t>(since_epoch));
    text.resize(text.size() - std::string_view("456789Z").size());
    return text + 'Z';
}

// One line per message in either format: spdlog's patterns neither escape a message nor name the levels as we do.
class LineFormatter final : public spdlog::formatter {
  public:
    explicit LineFormatter(Format format) : format_(format) {}

    void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
        const std::string_view payload(message.payload.data(), message.payload.size());
        if (format_ == Format::json) {
            fmt::format_to(std::back_inserter(out), "{{\"time\":\"{}\",\"level\":\"{}\",\"message\":{}}}\n",
                           time_of(message.time), name_of(message.level),
                           nlohmann::json(to_utf8(payload, kMaxMessage)).dump());
        } else {
            fmt::format_to(std::back_inserter(out), "{} {:<5} {}\n", time_of(message.time), name_of(message.level),
                           to_terminal(payload, kMaxMessage));
        }
    }

    [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
        return std::make_unique<LineFormatter>(format_);
    }

  private:
    Format format_;
};

spdlog::logger& logger() {
    static spdlog::logger instance = [] {
        spdlog::logger made("knell", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made.set_formatter(std::make_unique<LineFormatter>(Format::text));
        return made;
    }();
    return instance;
}

} // namespace

void configure(Level level, Format format) {
    logger().set_level(to_spdlog(level));
    logger().set_formatter(std::make_unique<LineFormatter>(format));
}

void write(Level level, std::string_view message) {
    logger().log(to_spdlog(level), spdlog::string_view_t(message.data(), message.size()));
}

} // namespace knell::log
