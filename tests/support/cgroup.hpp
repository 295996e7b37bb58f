#pragma once

#include "agent/base/result.hpp"

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace knell::test {

// A control group for a test, below the root of its hierarchy. The destructor kills its members, waits until they are
// gone and removes it, also after a failed test. Needs root.
class TestCgroup {
  public:
    // In the cgroup v2 hierarchy, wherever it is mounted. Fails with ENODEV where it is not.
    static Result<TestCgroup> unified();
    // Members may use `bytes` of memory and no swap: memory.max in v2 if that hierarchy has the memory controller,
    // memory.limit_in_bytes in v1 otherwise.
    static Result<TestCgroup> with_memory_limit(std::uint64_t bytes);
    // Whether that is memory.max.
    static bool unified_limits_memory();
    // Of this name below `parent`, which has to outlive it: for paths that mean something, like "x.service".
    static Result<TestCgroup> inside(const TestCgroup& parent, const std::string& name);
    TestCgroup(TestCgroup&& other) noexcept;
    TestCgroup& operator=(TestCgroup&&) = delete;
    ~TestCgroup();

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    // What ProcessOptions::cgroup_procs wants.
    [[nodiscard]] std::string procs_path() const { return path_ / "cgroup.procs"; }

    [[nodiscard]] Result<> add(pid_t pid) const;
    // Writes one of the group's files.
    [[nodiscard]] Result<> write(const std::string& file, const std::string& value) const;

  private:
    explicit TestCgroup(std::filesystem::path path) : path_(std::move(path)) {}
    static Result<TestCgroup> create(const std::filesystem::path& path);
    static Result<TestCgroup> create_below(const std::filesystem::path& mount);

    std::filesystem::path path_; // empty = moved from
};

} // namespace knell::test
