#pragma once

#include "agent/base/result.hpp"
#include "agent/pidfd/pidfd.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace knell {

// A process as it is written on a command line: "PID", whoever has that number when it is opened; or a reference like
// "PID:INODE" (ProcessRef), which refuses a later process with the same number.
class ProcessArgument {
  public:
    // EINVAL: it is neither.
    static Result<ProcessArgument> parse(std::string_view text);

    // gone, recycled ...: see Pidfd::open() and ProcessRef::open().
    [[nodiscard]] Result<Pidfd> open() const;

    // Set where the text is a number alone.
    [[nodiscard]] std::optional<pid_t> number() const { return number_; }
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    ProcessArgument(std::string text, std::optional<pid_t> number) : text_(std::move(text)), number_(number) {}

    std::string text_;
    std::optional<pid_t> number_;
};

} // namespace knell
