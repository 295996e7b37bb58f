#include "agent/cli/console.hpp"

#include "agent/base/log.hpp"
#include "exporters/console/terminal.hpp"

#include <fmt/format.h>

#include <cerrno>

namespace knell {

ConsoleOptions console_options(int fd) {
    const Terminal terminal = inspect_terminal(fd);
    ConsoleOptions options;
    options.fd = fd;
    options.colour = terminal.colour;
    options.width = terminal.width;
    return options;
}

Result<> show_the_rest(ConsoleSink& sink) {
    const std::uint64_t lost = sink.drain(kSecond);
    const int error = sink.last_errno();
    if (lost == 0 || error == EPIPE || error == ECONNRESET) {
        return {};
    }
    if (error == EAGAIN) {
        log::warn("{} lines were not shown: standard output took them too slowly", lost);
        return {};
    }
    return system_failure(fmt::format("writing to standard output, {} lines were not shown", lost), error);
}

} // namespace knell
