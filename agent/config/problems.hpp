#pragma once

#include "agent/base/result.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace knell {

// "file:line: what".
std::string at(const std::string& file, int line, std::string_view what);

// Everything that is wrong with one file, so that it can be mended in one go.
class Problems {
  public:
    explicit Problems(std::string file) : file_(std::move(file)) {}

    // `path` is the dotted path of the key; empty for the document as a whole.
    void add(int line, std::string_view path, std::string_view what);

    [[nodiscard]] bool empty() const { return found_.empty(); }

    // All of them in the order of the file, one a line; of very many only the first.
    [[nodiscard]] Failure to_failure() const;

  private:
    std::string file_;
    std::multimap<int, std::string> found_; // by line; of one line in the order they were found
};

} // namespace knell
