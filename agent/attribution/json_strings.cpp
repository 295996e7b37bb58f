#include "agent/attribution/json_strings.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace knell {

namespace {

using Json = nlohmann::json;
using Take = std::function<void(std::span<const std::string> path, const std::string& value)>;

// What nlohmann's parser tells as it goes.
class StringHandler final : public nlohmann::json_sax<Json> {
  public:
    explicit StringHandler(const Take& take) : take_(take) {}

    bool null() override { return true; }
    bool boolean(bool /*value*/) override { return true; }
    bool number_integer(number_integer_t /*value*/) override { return true; }
    bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
    bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
    bool binary(binary_t& /*value*/) override { return true; }
    bool string(string_t& value) override {
        take_(path_, value);
        return true;
    }
    bool start_object(std::size_t /*elements*/) override { return enter(); }
    bool key(string_t& name) override {
        path_.back() = std::move(name);
        return true;
    }
    bool end_object() override { return leave(); }
    bool start_array(std::size_t /*elements*/) override { return enter(); }
    bool end_array() override { return leave(); }
    bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                     const nlohmann::detail::exception& /*error*/) override {
        return false;
    }

  private:
    static constexpr std::size_t kDeepest = 32;

    bool enter() {
        path_.emplace_back();
        return path_.size() <= kDeepest;
    }
    bool leave() {
        path_.pop_back();
        return true;
    }

    const Take& take_;
    std::vector<std::string> path_;
};

} // namespace

bool for_each_json_string(std::string_view text, const Take& take) {
    StringHandler strings(take);
    return Json::sax_parse(text, &strings);
}

} // namespace knell
