#pragma once

#include <span>
#include <string_view>

namespace knell {

// The candidate that `word` is most likely a misspelling of; empty when none is close (more than a third of its letters
// would have to change).
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

} // namespace knell
