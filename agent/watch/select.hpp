#pragma once

#include "agent/base/text.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace knell {

// One list of `watch.select`: shell globs, a leading "!" excludes. A text is selected when a pattern includes it (or no
// pattern includes anything) and none excludes it.
class PatternList {
  public:
    // Without patterns it selects everything.
    PatternList() = default;
    explicit PatternList(std::vector<std::string> patterns) {
        for (std::string& pattern : patterns) {
            if (pattern.starts_with('!')) {
                exclude_.push_back(pattern.substr(1));
            } else {
                include_.push_back(std::move(pattern));
            }
        }
        everything_ = exclude_.empty() && (include_.empty() || (include_.size() == 1 && include_.front() == "*"));
    }

    // True: there is nothing to ask, every text is selected.
    [[nodiscard]] bool everything() const { return everything_; }

    [[nodiscard]] bool selects(std::string_view text) const {
        const auto matches = [text](const std::string& pattern) { return glob_match(pattern, text); };
        return everything_ || ((include_.empty() || std::ranges::any_of(include_, matches)) &&
                               std::ranges::none_of(exclude_, matches));
    }

  private:
    std::vector<std::string> include_;
    std::vector<std::string> exclude_;
    bool everything_ = true;
};

} // namespace knell
