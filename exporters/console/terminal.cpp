#include "exporters/console/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace knell {

namespace {

constexpr std::size_t kUsualWidth = 80;

std::string_view environment(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr ? value : "";
}

} // namespace

Terminal inspect_terminal(int fd) {
    if (::isatty(fd) != 1) {
        return {};
    }
    winsize size{};
    const bool known = ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return {.width = known ? size.ws_col : kUsualWidth,
            .colour = environment("NO_COLOR").empty() && environment("TERM") != "dumb"};
}

} // namespace knell
