#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

#include <string>

namespace knell::bench {

// A cgroup v2 of the benchmark's own. Its name is that of a systemd unit, so that metrics tell what dies in it from
// what dies elsewhere meanwhile. Needs root.
class Group {
  public:
    static Result<Group> make();
    Group(Group&& other) noexcept = default;
    Group& operator=(Group&&) = delete;
    // Kills what is left in it, and removes it.
    ~Group();

    [[nodiscard]] const std::string& unit() const { return unit_; }
    // For SpawnOptions::cgroup; borrowed.
    [[nodiscard]] int directory() const { return directory_.get(); }
    // SIGKILL to all its processes at once (cgroup.kill, 5.14).
    [[nodiscard]] Result<> kill() const;

  private:
    Group(std::string path, std::string unit, Fd directory)
        : path_(std::move(path)), unit_(std::move(unit)), directory_(std::move(directory)) {}

    std::string path_;
    std::string unit_;
    Fd directory_;
};

} // namespace knell::bench
