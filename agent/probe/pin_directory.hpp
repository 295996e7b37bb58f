#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace knell {

// The directory in a bpffs in which agents leave what outlives them (`state.pin`). One agent at a time: whoever has it
// open has it locked, and the kernel unlocks it however the agent ends.
//
// Below it is one directory for each way that the programs were built and set up (see Programs::pin_name()). It is
// filled under another name and renamed when it is whole, so that half of one is never taken for all of it.
class PinDirectory {
  public:
    // Makes the directory if it is missing. EWOULDBLOCK: another agent uses it. Any other failure: nothing can be
    // pinned here (no bpffs, read-only, no permission), and the message says why.
    static Result<PinDirectory> lock(const std::string& path);
    // Whether its parent is in a bpffs that can be written to; changes nothing.
    static Result<> check_bpffs(const std::string& path);

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string path_of(const std::string& name) const { return path_ + "/" + name; }

    // Removes what an agent that was killed did not finish, and tells the names of what is whole. Anything else in the
    // directory is not ours and stays.
    Result<std::vector<std::string>> take_stock();
    // An empty directory to fill; publish() gives it its name.
    Result<std::string> begin(const std::string& name);
    Result<> publish(const std::string& name);
    // Removes it with its pins. What the kernel still runs only because of them ends.
    Result<> remove(const std::string& name);
    // Removes the directory itself, when it is empty.
    Result<> remove_itself();

  private:
    PinDirectory(std::string path, Fd directory) : path_(std::move(path)), directory_(std::move(directory)) {}

    std::string path_;
    Fd directory_;
};

} // namespace knell
