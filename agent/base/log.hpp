#pragma once

#include "agent/base/log_style.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace knell::log {

// Only the top of the program (cli/, observer's notices) logs; libraries return errors. Lines go to standard error.
// Thread-safe. Text: "2026-01-31T12:00:00.123Z info  message"; JSON: {"time":...,"level":...,"message":...}.

void configure(Level level, Format format);
void write(Level level, std::string_view message);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
    write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
    write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
    write(Level::warn, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
    write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

} // namespace knell::log
