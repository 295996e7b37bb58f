#pragma once

#include "agent/base/result.hpp"

#include <filesystem>
#include <string>

namespace knell::test {

// A fresh directory of its own, removed with all it holds.
class TempDir {
  public:
    static Result<TempDir> create();
    TempDir(TempDir&& other) noexcept;
    TempDir& operator=(TempDir&&) = delete;
    ~TempDir();

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    explicit TempDir(std::filesystem::path path) : path_(std::move(path)) {}

    std::filesystem::path path_; // empty = moved from
};

} // namespace knell::test
