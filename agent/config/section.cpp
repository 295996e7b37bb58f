#include "agent/config/section.hpp"

#include "agent/input/nearest.hpp"
#include "agent/input/quoted.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace knell {

namespace {

constexpr std::size_t kMaxItems = 64;

std::string_view name(YamlNode::Kind kind) {
    switch (kind) {
    case YamlNode::Kind::scalar:
        return "a single value";
    case YamlNode::Kind::list:
        return "a list";
    case YamlNode::Kind::map:
        return "a map";
    case YamlNode::Kind::null:
        break;
    }
    return "empty";
}

} // namespace

bool Section::open(const YamlNode& node, int line) {
    if (node.kind != YamlNode::Kind::map && node.kind != YamlNode::Kind::null) {
        problems_.add(line, path_, fmt::format("is {}, not a map (write \"key: value\" pairs)", name(node.kind)));
        return false;
    }
    entries_ = &node.entries;
    return true;
}

// The entry of `key`. Of several the first; the others are reported with the unknown keys.
const YamlEntry* Section::find(std::string_view key) {
    if (std::ranges::find(asked_, key) == asked_.end()) {
        asked_.push_back(key);
    }
    const auto entry = std::ranges::find(*entries_, key, &YamlEntry::key);
    return entry == entries_->end() ? nullptr : &*entry;
}

bool Section::expect_scalar(const YamlEntry& entry) {
    if (entry.value.kind == YamlNode::Kind::scalar) {
        return true;
    }
    problems_.add(entry.line, path_of(entry.key),
                  fmt::format("is {}, not a single value (write a value, or remove the key for its default)",
                              name(entry.value.kind)));
    return false;
}

bool Section::expect_list(const YamlEntry& entry, std::size_t at_least) {
    if (entry.value.kind != YamlNode::Kind::list) {
        problems_.add(
            entry.line, path_of(entry.key),
            fmt::format("is {}, not a list (write [a, b], or remove the key for its default)", name(entry.value.kind)));
        return false;
    }
    const std::size_t count = entry.value.items.size();
    if (count < at_least || count > kMaxItems) {
        problems_.add(entry.line, path_of(entry.key),
                      fmt::format("has {} entries (write {} to {})", count, at_least, kMaxItems));
        return false;
    }
    return true;
}

bool Section::expect_item(const YamlNode& item, std::string_view key) {
    if (item.kind == YamlNode::Kind::scalar) {
        return true;
    }
    problems_.add(item.line, path_of(key),
                  fmt::format("an entry is {}, not a single value (write text, in quotes if YAML reads it otherwise)",
                              name(item.kind)));
    return false;
}

bool Section::expect_present(const YamlEntry& entry) {
    if (entry.value.kind != YamlNode::Kind::null) {
        return true;
    }
    problems_.add(entry.line, path_of(entry.key),
                  "has no value (write {} to turn it on with its defaults, or remove the key)");
    return false;
}

void Section::report_unknown() {
    for (auto entry = entries_->begin(); entry != entries_->end(); ++entry) {
        const std::string path = path_of(shown(entry->key));
        if (std::ranges::find(asked_, entry->key) == asked_.end()) {
            const std::string_view near = nearest(entry->key, asked_);
            problems_.add(entry->line, path,
                          near.empty() ? fmt::format("unknown key (known here: {})", fmt::join(asked_, ", "))
                                       : fmt::format("unknown key (did you mean {}?)", near));
            continue;
        }
        const auto first = std::ranges::find(*entries_, entry->key, &YamlEntry::key);
        if (first != entry) {
            problems_.add(entry->line, path, fmt::format("appears twice, first on line {} (keep one)", first->line));
        }
    }
}

std::string Section::path_of(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

} // namespace knell
