// Names of processes on their way to a destination, and the patterns that select them (agent/base/text.hpp).
#include "agent/base/text.hpp"

#include "tests/fuzz/promise.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace knell::fuzz {
namespace {

using Rewrite = std::string (*)(std::string_view, std::size_t);

void check_rewrite(Rewrite rewrite, std::string_view bytes, std::size_t limit) {
    constexpr std::size_t kEnough = 1 << 16;
    const std::string whole = rewrite(bytes, kEnough);
    require(is_utf8(whole), "the result is UTF-8", whole);
    require(rewrite(whole, kEnough) == whole, "a second time changes nothing", whole);
    const std::string cut = rewrite(bytes, limit);
    require(cut.size() <= limit && whole.starts_with(cut) && is_utf8(cut), "a limit cuts between characters", cut);
}

bool has_only_stars(std::string_view pattern) {
    return pattern.find_first_of("\\[") == std::string_view::npos;
}

// What '*' and '?' mean, by a table of all prefixes instead of by looking back: row p says which prefixes of `text` the
// first p bytes of `pattern` match.
bool match_by_table(std::string_view pattern, std::string_view text) {
    std::vector<bool> row(text.size() + 1);
    row[0] = true;
    for (const char step : pattern) {
        std::vector<bool> next(row.size());
        next[0] = step == '*' && row[0];
        for (std::size_t i = 1; i < row.size(); ++i) {
            next[i] = step == '*' ? row[i] || next[i - 1] : row[i - 1] && (step == '?' || step == text[i - 1]);
        }
        row = std::move(next);
    }
    return row.back();
}

void check_glob(std::string_view pattern, std::string_view text) {
    std::string quoted;
    for (const char c : text) {
        quoted.append({'\\', c});
    }
    require(glob_match(quoted, text), "a text matches itself, quoted", text);
    require(glob_match(quoted + "*", text) && glob_match("*" + quoted, text), "'*' matches nothing too", text);
    const bool matches = glob_match(pattern, text);
    require(!has_only_stars(pattern) || matches == match_by_table(pattern, text), "'*' and '?' mean what they do",
            pattern);
    require(!matches || glob_match("*" + std::string(pattern), text), "'*' in front takes nothing away", pattern);
}

} // namespace
} // namespace knell::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace knell;
    if (size == 0) {
        return 0;
    }
    const std::string_view bytes = fuzz::as_text(data + 1, size - 1);
    fuzz::check_rewrite(to_utf8, bytes, data[0]);
    fuzz::check_rewrite(to_terminal, bytes, data[0]);
    fuzz::require(!fuzz::is_utf8(bytes) || to_utf8(bytes) == bytes, "UTF-8 stays as it is", bytes);
    fuzz::require(fuzz::is_harmless(to_terminal(bytes)), "nothing moves the cursor", to_terminal(bytes));

    const std::size_t middle = std::min<std::size_t>(data[0], bytes.size());
    fuzz::check_glob(bytes.substr(0, middle), bytes.substr(middle));
    return 0;
}
