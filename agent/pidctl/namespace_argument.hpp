#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"
#include "agent/cli/process_argument.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace knell {

// A pid namespace as it is written on a command line: the path of a file that stands for one (it has a '/'), like
// /proc/PID/ns/pid or where such a file is bind-mounted; or a process that is in it.
class NamespaceArgument {
  public:
    // EINVAL: it is neither.
    static Result<NamespaceArgument> parse(std::string_view text);

    // EINVAL: the file stands for no pid namespace. Of a process: see pidns::of().
    [[nodiscard]] Result<Fd> open() const;

  private:
    explicit NamespaceArgument(std::variant<std::string, ProcessArgument> named) : named_(std::move(named)) {}

    std::variant<std::string, ProcessArgument> named_; // a path, or a process
};

// "pid:[4026531836]", as readlink shows it. Of any kind of namespace; `kind` is the word in front.
Result<std::string> namespace_text(const Fd& space, std::string_view kind);

} // namespace knell
