#pragma once

#include <cstddef>
#include <optional>

namespace knell {

// What is known of the terminal behind a descriptor.
struct Terminal {
    std::optional<std::size_t> width; // in cells; empty = it is no terminal
    bool colour = false;
};

// Colour is wanted on a terminal unless NO_COLOR is set and not empty (no-color.org), or TERM is "dumb". A terminal
// that does not tell its width has 80 cells.
Terminal inspect_terminal(int fd);

} // namespace knell
