#include "agent/base/file.hpp"
#include "agent/base/text.hpp"
#include "agent/cli/commands.hpp"
#include "agent/config/config.hpp"
#include "agent/probe/pin_directory.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace knell {
namespace {

Result<std::string> pin_of(const std::string& config_path) {
    if (config_path.empty()) {
        return Config{}.state.pin;
    }
    auto config = load_config(config_path);
    if (!config) {
        return std::unexpected(std::move(config.error()));
    }
    return std::move(config->state.pin);
}

} // namespace

Result<> unpin(const std::string& config_path) {
    const auto pin = pin_of(config_path);
    if (!pin) {
        return std::unexpected(pin.error());
    }
    if (pin->empty()) {
        fmt::print("state.pin is empty: nothing is pinned\n");
        return {};
    }
    if (!may_access(*pin, F_OK) && errno == ENOENT) {
        fmt::print("{}: nothing is pinned\n", to_terminal(*pin));
        return {};
    }
    auto pins = PinDirectory::lock(*pin);
    if (!pins) {
        return std::unexpected(std::move(pins.error()));
    }
    const auto names = pins->take_stock();
    if (!names) {
        return std::unexpected(names.error());
    }
    for (const std::string& name : *names) {
        if (auto removed = pins->remove(name); !removed) {
            return removed;
        }
    }
    if (auto removed = pins->remove_itself(); !removed) {
        return removed;
    }
    fmt::print("{}: removed; deaths are not recorded until an agent starts\n", to_terminal(*pin));
    return {};
}

} // namespace knell
