#pragma once

#include "agent/event/event.hpp"

#include <cstddef>
#include <string>

namespace knell {

// How wide the columns of the table are, in cells. TIME, PID, LIFETIME and REACTION have the width that their values
// need; these four share the rest.
struct Layout {
    std::size_t comm = 9;
    std::size_t where = 9;
    std::size_t reason = 14;
    std::size_t killer = 10;
    bool cut = true;     // false: text that is too long moves the rest of its row instead of being shortened
    bool colour = false; // of the reason, by ECMA-48 sequences

    // Rows of exactly `width` cells, 80 at least.
    static Layout for_terminal(std::size_t width, bool colour);

    // For a file or another program: nothing is shortened, so that what is searched for is found.
    static Layout for_file();
};

// "TIME PID COMM WHERE REASON KILLER LIFETIME REACTION" in columns, without a line end.
std::string format_header(const Layout& layout);

// One event in these columns, without a line end. TIME is local time. REACTION is ours for an exit and the parent's for
// a reap. What is not known is "-". Everything that a process could name is safe for a terminal.
std::string format_row(const Event& event, const Layout& layout);

} // namespace knell
