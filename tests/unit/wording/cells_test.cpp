#include "exporters/wording/cells.hpp"

#include <gtest/gtest.h>

namespace knell {
namespace {

TEST(Cells, CountsWhatATerminalShows) {
    EXPECT_EQ(count_cells(""), 0U);
    EXPECT_EQ(count_cells("nginx"), 5U);
    EXPECT_EQ(count_cells("\u00fc\u00df"), 2U);
    EXPECT_EQ(count_cells("e\u0301"), 1U);              // e and a combining accent
    EXPECT_EQ(count_cells("\u6f22\u5b57"), 4U);         // ideographs
    EXPECT_EQ(count_cells("\uff21"), 2U);               // full-width A
    EXPECT_EQ(count_cells("\U0001f480"), 2U);           // skull
    EXPECT_EQ(count_cells("\uFFFD"), 1U);               // what broken bytes become
    EXPECT_EQ(count_cells("\u0300\u036f\u0370"), 1U);   // both ends of a range, and what follows
    EXPECT_EQ(count_cells("\U00020000\U0003fffd"), 4U); // a supplementary plane
    EXPECT_EQ(count_cells("\U0010ffff"), 1U);           // beyond the last range
}

TEST(Cells, CutsAtEitherEndBetweenCharacters) {
    EXPECT_EQ(cut_to("nginx", 5, Keep::head), "nginx");
    EXPECT_EQ(cut_to("nginx", 4, Keep::head), "ngi…");
    EXPECT_EQ(cut_to("nginx", 4, Keep::tail), "…inx");
    EXPECT_EQ(cut_to("nginx", 1, Keep::head), "…");
    EXPECT_EQ(cut_to("nginx", 1, Keep::tail), "…");
    // Two ideographs take four cells; one and the ellipsis take three.
    EXPECT_EQ(cut_to("\u6f22\u5b57", 3, Keep::head), "\u6f22…");
    EXPECT_EQ(cut_to("\u6f22\u5b57", 3, Keep::tail), "…\u5b57");
    EXPECT_EQ(cut_to("\u6f22\u5b57", 2, Keep::head), "…");
    EXPECT_EQ(cut_to("\u6f22\u5b57", 4, Keep::head), "\u6f22\u5b57");
}

TEST(Cells, PadsToCellsNotBytes) {
    EXPECT_EQ(pad_to("ab", 4), "ab  ");
    EXPECT_EQ(pad_to("\u6f22", 4), "\u6f22  ");
    EXPECT_EQ(pad_to("abcde", 4), "abcde");
}

} // namespace
} // namespace knell
