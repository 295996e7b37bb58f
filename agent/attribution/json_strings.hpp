#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace knell {

// Reads a JSON text and calls `take(path, value)` for each string in it; `path` is the keys of the objects around it,
// "" for an array's. Nothing of the text is kept. False when it is no JSON, or nested more than 32 deep: what was taken
// until then stands. Pure.
bool for_each_json_string(std::string_view text,
                          const std::function<void(std::span<const std::string> path, const std::string& value)>& take);

} // namespace knell
