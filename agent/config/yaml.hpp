#pragma once

#include "agent/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace knell {

struct YamlEntry;

// One value of a YAML document as plain data: the YAML library's own type stays in yaml.cpp. Scalars are text; what
// type they have is for their reader to say.
struct YamlNode {
    enum class Kind : std::uint8_t { null, scalar, list, map } kind = Kind::null;
    int line = 1; // in the file, from 1; of an alias, not of what it repeats
    std::string text;
    std::vector<YamlNode> items;
    std::vector<YamlEntry> entries; // in the order of the file, duplicates included
};

struct YamlEntry {
    std::string key;
    int line = 1; // of the key
    YamlNode value;
};

// The single document in `text`, bounded in depth and number of values; null when there is none. A failure's message
// is "file:line: what is wrong (what would be right)", `file` being what `name` says.
Result<YamlNode> parse_yaml(const std::string& text, const std::string& name);

} // namespace knell
