#include "agent/cli/process_argument.hpp"

#include "agent/input/quoted.hpp"
#include "agent/input/values.hpp"
#include "agent/pidfd/process_ref.hpp"

#include <cerrno>
#include <limits>

namespace knell {
namespace {

std::optional<pid_t> as_number(std::string_view text) {
    const auto number = parse_integer(text, 1, std::numeric_limits<pid_t>::max());
    return number ? std::optional(static_cast<pid_t>(*number)) : std::nullopt;
}

} // namespace

Result<ProcessArgument> ProcessArgument::parse(std::string_view text) {
    const auto number = as_number(text);
    if (!number) {
        const auto reference = ProcessRef::parse(text);
        // Any other failure is not the text's: open() meets it again and tells it.
        if (!reference && reference.error().errno_value == EINVAL) {
            return std::unexpected(Error{knell::quoted(text) +
                                             " is no process (write PID, or PID:INODE as `pidctl info` "
                                             "shows it)",
                                         EINVAL});
        }
    }
    return ProcessArgument(std::string(text), number);
}

Result<Pidfd> ProcessArgument::open() const {
    if (number_) {
        return Pidfd::open(*number_);
    }
    const auto reference = ProcessRef::parse(text_);
    return reference ? reference->open() : std::unexpected(reference.error());
}

} // namespace knell
