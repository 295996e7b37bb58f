#pragma once

#include "agent/base/result.hpp"
#include "agent/cli/commands.hpp"
#include "agent/config/config.hpp"

#include <string>
#include <vector>

namespace knell {

// What the running agent gives up once everything is open (docs/security.md). Best effort: what the kernel refuses is
// one warning, and the agent runs all the same.
class Confinement {
  public:
    // Capabilities and files, for the calling thread and those that it will start.
    void restrict_process(const RunArguments& arguments, const Config& config, bool bpf);
    // System calls, for all threads.
    void restrict_calls();

    // Adds to what was said of a file that could not be opened for writing what the restrictions have to do with it.
    [[nodiscard]] Error explain(Error error, const std::string& path) const;

  private:
    void restrict_to_files_of(const RunArguments& arguments, const Config& config);

    std::vector<std::string> done_;
    std::vector<std::string> writable_; // as restrict_files() was told
    bool files_restricted_ = false;
};

} // namespace knell
