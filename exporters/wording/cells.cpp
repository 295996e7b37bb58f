#include "exporters/wording/cells.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace knell {

namespace {

constexpr std::string_view kEllipsis = "\u2026"; // one cell

struct Range {
    std::uint32_t first;
    std::uint32_t last;
    std::uint8_t cells;
};

// Ascending. Blocks rather than characters, after Unicode's East Asian Width (W, F) and general category Mn: a rare
// character that is judged wrong moves the rest of its row by a cell. Not wcwidth(3), which answers for the locale that
// the program runs in, and that of a daemon is "C".
constexpr std::array<Range, 26> kUnusual = {{
    {0x0300, 0x036F, 0},   // combining diacritical marks
    {0x0483, 0x0489, 0},   // Cyrillic combining marks
    {0x0591, 0x05BD, 0},   // Hebrew points
    {0x0610, 0x061A, 0},   // Arabic, honorifics
    {0x064B, 0x065F, 0},   // Arabic, vowel signs
    {0x0E34, 0x0E3A, 0},   // Thai, vowel signs
    {0x0E47, 0x0E4E, 0},   // Thai, tone marks
    {0x1100, 0x115F, 2},   // Hangul, leading consonants
    {0x1160, 0x11FF, 0},   // Hangul, what combines with them
    {0x1AB0, 0x1AFF, 0},   // combining diacritical marks extended
    {0x1DC0, 0x1DFF, 0},   // combining diacritical marks supplement
    {0x200B, 0x200D, 0},   // zero width space and joiners
    {0x20D0, 0x20FF, 0},   // combining marks for symbols
    {0x2E80, 0x303E, 2},   // CJK radicals, punctuation
    {0x3041, 0xA4CF, 2},   // kana, CJK ideographs, Yi
    {0xA960, 0xA97F, 2},   // Hangul, extended
    {0xAC00, 0xD7A3, 2},   // Hangul syllables
    {0xF900, 0xFAFF, 2},   // CJK compatibility ideographs
    {0xFE00, 0xFE0F, 0},   // variation selectors
    {0xFE20, 0xFE2F, 0},   // combining half marks
    {0xFE30, 0xFE6F, 2},   // CJK compatibility forms
    {0xFF01, 0xFF60, 2},   // full-width forms
    {0xFFE0, 0xFFE6, 2},   // full-width signs
    {0x1F300, 0x1FAFF, 2}, // pictographs and emoji
    {0x20000, 0x3FFFD, 2}, // CJK ideographs, supplementary planes
    {0xE0100, 0xE01EF, 0}, // variation selectors, supplement
}};

std::size_t cells_of(std::uint32_t codepoint) {
    const auto range = std::ranges::lower_bound(kUnusual, codepoint, {}, &Range::last);
    return range != kUnusual.end() && codepoint >= range->first ? range->cells : 1;
}

bool continues_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// The bytes of the first character.
std::string_view first_character(std::string_view text) {
    const auto end = std::find_if_not(text.begin() + 1, text.end(), continues_character);
    return text.substr(0, static_cast<std::size_t>(std::distance(text.begin(), end)));
}

std::string_view last_character(std::string_view text) {
    const auto start = std::find_if_not(text.rbegin(), text.rend() - 1, continues_character);
    return text.substr(text.size() - 1 - static_cast<std::size_t>(std::distance(text.rbegin(), start)));
}

std::size_t cells_of_character(std::string_view character) {
    const auto lead = static_cast<unsigned char>(character.front());
    std::uint32_t codepoint = character.size() == 1 ? lead : lead & (0x7FU >> character.size());
    for (const char byte : character.substr(1)) {
        codepoint = (codepoint << 6U) | (static_cast<unsigned char>(byte) & 0x3FU);
    }
    return cells_of(codepoint);
}

} // namespace

std::size_t count_cells(std::string_view text) {
    std::size_t cells = 0;
    while (!text.empty()) {
        const std::string_view character = first_character(text);
        cells += cells_of_character(character);
        text.remove_prefix(character.size());
    }
    return cells;
}

std::string cut_to(std::string_view text, std::size_t width, Keep keep) {
    if (count_cells(text) <= width) {
        return std::string(text);
    }
    std::size_t kept = 0; // bytes
    for (std::size_t cells = 1; kept < text.size();) {
        const std::string_view character = keep == Keep::head ? first_character(text.substr(kept))
                                                              : last_character(text.substr(0, text.size() - kept));
        cells += cells_of_character(character);
        if (cells > width) {
            break;
        }
        kept += character.size();
    }
    return keep == Keep::head ? std::string(text.substr(0, kept)).append(kEllipsis)
                              : std::string(kEllipsis).append(text.substr(text.size() - kept));
}

std::string pad_to(std::string text, std::size_t width) {
    const std::size_t cells = count_cells(text);
    text.append(width > cells ? width - cells : 0, ' ');
    return text;
}

} // namespace knell
