#pragma once

#include <string>
#include <string_view>

namespace knell {

// What somebody wrote, as a message repeats it: safe to print and shortened; and the same in quotes.
std::string shown(std::string_view text);
std::string quoted(std::string_view text);

} // namespace knell
