#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace knell {

// Columns of a terminal are counted in cells: most characters take one, those of East Asian scripts two, accents none.
// `text` is valid UTF-8 without control characters, as to_terminal() makes it.

std::size_t count_cells(std::string_view text);

// Which end of a text says most: a name's beginning, a path's end.
enum class Keep : std::uint8_t { head, tail };

// The text if it has room in `width` cells (not 0), else that end of it and "…".
std::string cut_to(std::string_view text, std::size_t width, Keep keep);

// The text with blanks behind it up to `width` cells; longer text stays as it is.
std::string pad_to(std::string text, std::size_t width);

} // namespace knell
