#include "agent/config/yaml.hpp"

#include "agent/base/text.hpp"
#include "agent/config/problems.hpp"
#include "agent/input/quoted.hpp"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

namespace knell {

namespace {

// An alias costs a few bytes of YAML and repeats a whole subtree, so a small file can name an enormous one ("billion
// laughs").
constexpr std::size_t kMaxDepth = 16;
constexpr std::size_t kMaxValues = 10'000;

// The library silently stops reading at 0x04, and takes a byte order mark as licence to decode UTF-16: only what every
// reader of the file sees the same way gets as far as the library.
Result<> check_text(std::string_view text, const std::string& name) {
    int line = 1;
    while (!text.empty()) {
        const std::string_view row = text.substr(0, text.find('\n'));
        if (to_utf8(row, row.size()) != row) {
            return failure(at(name, line, "not UTF-8 text (save the file as UTF-8)"));
        }
        const auto control = std::ranges::find_if(
            row, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r') || c == 0x7F; });
        if (control != row.end()) {
            return failure(at(name, line,
                              fmt::format("control character 0x{:02x} (remove it; YAML allows only tabs and line ends)",
                                          static_cast<unsigned char>(*control))));
        }
        text.remove_prefix(std::min(row.size() + 1, text.size()));
        ++line;
    }
    return {};
}

int line_of(const YAML::Mark& mark) {
    return mark.is_null() ? 1 : mark.line + 1;
}

// Ends the parse from within the library; never leaves this file.
struct Refusal {
    int line;
    std::string what;
};

std::size_t count_values(const YamlNode& node) {
    std::size_t count = 1;
    for (const YamlNode& item : node.items) {
        count += count_values(item);
    }
    for (const YamlEntry& entry : node.entries) {
        count += count_values(entry.value);
    }
    return count;
}

// Builds the tree from the library's events rather than from the library's own tree, YAML::LoadAll(): that one makes
// documents without end of a file that starts with a comma, and cannot be bounded.
class TreeBuilder final : public YAML::EventHandler {
  public:
    YamlNode take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ > 1) {
            throw Refusal{line_of(mark), "a second document (keep one; mind lines indented less than the first, and "
                                         "stray commas)"};
        }
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        place(make_node(mark, YamlNode::Kind::null), anchor);
    }

    void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  const std::string& value) override {
        YamlNode node = make_node(mark, YamlNode::Kind::scalar);
        node.text = value;
        place(std::move(node), anchor);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto named = anchored_.find(anchor);
        if (named == anchored_.end()) {
            throw Refusal{line_of(mark), "an alias inside of what it stands for (write the value out)"};
        }
        count(mark, count_values(named->second));
        YamlNode node = named->second;
        node.line = line_of(mark);
        place(std::move(node), YAML::NullAnchor);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(make_node(mark, YamlNode::Kind::list), anchor);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(make_node(mark, YamlNode::Kind::map), anchor);
    }
    void OnMapEnd() override { close(); }

  private:
    // A list or map that has begun and not ended.
    struct Open {
        YamlNode node;
        YAML::anchor_t anchor;
        std::optional<YamlEntry> entry; // of a map: its key has come, its value has not
    };

    void count(const YAML::Mark& mark, std::size_t values) {
        values_ += values;
        if (values_ > kMaxValues) {
            throw Refusal{line_of(mark), fmt::format("more than {} values (mind what aliases repeat)", kMaxValues)};
        }
    }

    YamlNode make_node(const YAML::Mark& mark, YamlNode::Kind kind) {
        count(mark, 1);
        YamlNode node;
        node.kind = kind;
        node.line = line_of(mark);
        return node;
    }

    void open(YamlNode node, YAML::anchor_t anchor) {
        if (open_.size() == kMaxDepth) {
            throw Refusal{node.line, "nested too deeply (no setting needs more than 4 levels)"};
        }
        open_.push_back({std::move(node), anchor, std::nullopt});
    }

    void close() {
        Open done = std::move(open_.back());
        open_.pop_back();
        place(std::move(done.node), done.anchor);
    }

    // Puts a complete value where it belongs.
    void place(YamlNode node, YAML::anchor_t anchor) {
        if (anchor != YAML::NullAnchor) {
            anchored_.insert_or_assign(anchor, node);
        }
        if (open_.empty()) {
            root_ = std::move(node);
        } else if (Open& parent = open_.back(); parent.node.kind == YamlNode::Kind::list) {
            parent.node.items.push_back(std::move(node));
        } else if (parent.entry) {
            parent.entry->value = std::move(node);
            parent.node.entries.push_back(*std::move(parent.entry));
            parent.entry.reset();
        } else if (node.kind == YamlNode::Kind::scalar) {
            parent.entry.emplace().key = std::move(node.text);
            parent.entry->line = node.line;
        } else {
            throw Refusal{node.line, "a key that is not a word (write \"key: value\")"};
        }
    }

    YamlNode root_;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, YamlNode> anchored_;
    std::size_t values_ = 0;
    int documents_ = 0;
};

Failure broken(const std::string& name, const YAML::Mark& mark, std::string_view what) {
    return failure(
        at(name, line_of(mark),
           // What the library says may end in a byte of the file.
           fmt::format("not valid YAML: {} (look for indentation, quotes or brackets on this line and before it)",
                       shown(what))));
}

} // namespace

Result<YamlNode> parse_yaml(const std::string& text, const std::string& name) {
    if (const Result<> readable = check_text(text, name); !readable) {
        return std::unexpected(readable.error());
    }
    try {
        std::istringstream stream(text);
        YAML::Parser parser(stream);
        TreeBuilder builder;
        while (parser.HandleNextDocument(builder)) {
        }
        return builder.take();
    } catch (const Refusal& refusal) {
        return failure(at(name, refusal.line, refusal.what));
    } catch (const YAML::DeepRecursion& error) {
        return broken(name, error.mark, "nested too deeply"); // its own message is "bad file"
    } catch (const YAML::Exception& error) {
        return broken(name, error.mark, error.msg);
    }
}

} // namespace knell
