#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace knell {

// A file of a process's /proc directory.
class ProcFile {
  public:
    // `name` if it is one that open() takes: relative, and not leading upwards.
    static Result<std::string> check_name(const std::string& name);

    // In a directory made by procfd::open(). Links are not followed, the way never leaves this directory and this
    // procfs (openat2(2), 5.6): what a process has put at its `root`, or somebody has mounted over its files, cannot
    // take the file's place. gone: reaped. no_permission. ELOOP: it is a link, or leads over one.
    static Result<ProcFile> open(const Fd& directory, const std::string& name);

    // Hands out the content piece by piece, in order, until its end or until `take` fails. gone: reaped meanwhile.
    [[nodiscard]] Result<> read(const std::function<Result<>(std::string_view piece)>& take) const;

    // All of it. EFBIG: more than 1 MiB.
    [[nodiscard]] Result<std::string> read_all() const;

  private:
    ProcFile(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

    Fd fd_;
    std::string name_;
};

// RFC 4648, with padding.
std::string to_base64(std::string_view bytes);

} // namespace knell
