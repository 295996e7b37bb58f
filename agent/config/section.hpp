#pragma once

#include "agent/base/result.hpp"
#include "agent/config/problems.hpp"
#include "agent/config/yaml.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace knell {

// Reads one map of the configuration and remembers which keys were asked for: what is left over at the end is unknown.
// So the schema is the code that reads it, and stands in one place. Nothing here fails: what is wrong goes to
// `problems`, and the target keeps its default.
class Section {
  public:
    // Runs `read(Section&)` on `node` (a map, or null for an empty one), then reports the keys that it did not ask for.
    template <typename Read>
    static void read(const YamlNode& node, std::string path, int line, Problems& problems, Read&& read) {
        Section section(std::move(path), problems);
        if (section.open(node, line)) {
            std::forward<Read>(read)(section);
            section.report_unknown();
        }
    }

    // A single value. `parse(std::string_view)` returns a Result whose message says what is wrong with the text.
    template <typename T, typename Parse>
    void scalar(std::string_view key, T& target, const Parse& parse) {
        const YamlEntry* entry = find(key);
        if (entry == nullptr || !expect_scalar(*entry)) {
            return;
        }
        accept(entry->line, path_of(key), parse(std::string_view(entry->value.text)), target);
    }

    // A list of `at_least` single values or more, each through `parse`.
    template <typename T, typename Parse>
    void list(std::string_view key, std::vector<T>& target, const Parse& parse, std::size_t at_least = 0) {
        const YamlEntry* entry = find(key);
        if (entry == nullptr || !expect_list(*entry, at_least)) {
            return;
        }
        std::vector<T> values;
        for (const YamlNode& item : entry->value.items) {
            T value{};
            if (expect_item(item, key) && accept(item.line, path_of(key), parse(std::string_view(item.text)), value)) {
                values.push_back(std::move(value));
            }
        }
        target = std::move(values);
    }

    // A map below this one. A key without a value (everything under it is commented out) is an empty map.
    template <typename Read>
    void section(std::string_view key, Read&& read) {
        if (const YamlEntry* entry = find(key)) {
            Section::read(entry->value, path_of(key), entry->line, problems_, std::forward<Read>(read));
        }
    }

    // A map whose presence turns something on. Without a value it is not clear what was meant, so that is a problem.
    template <typename Read>
    void feature(std::string_view key, Read&& read) {
        if (const YamlEntry* entry = find(key); entry != nullptr && expect_present(*entry)) {
            section(key, std::forward<Read>(read));
        }
    }

  private:
    Section(std::string path, Problems& problems) : path_(std::move(path)), problems_(problems) {}

    bool open(const YamlNode& node, int line);
    const YamlEntry* find(std::string_view key);
    bool expect_scalar(const YamlEntry& entry);
    bool expect_list(const YamlEntry& entry, std::size_t at_least);
    bool expect_item(const YamlNode& item, std::string_view key);
    bool expect_present(const YamlEntry& entry);
    void report_unknown();
    [[nodiscard]] std::string path_of(std::string_view key) const;

    template <typename T>
    bool accept(int line, const std::string& path, Result<T> value, T& target) {
        if (!value) {
            problems_.add(line, path, value.error().message);
            return false;
        }
        target = *std::move(value);
        return true;
    }

    std::string path_;
    Problems& problems_;
    const std::vector<YamlEntry>* entries_ = nullptr;
    std::vector<std::string_view> asked_;
};

} // namespace knell
