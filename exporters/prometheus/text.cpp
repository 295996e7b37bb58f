#include "exporters/prometheus/text.hpp"

#include <prometheus/text_serializer.h>

#include <ostream>
#include <streambuf>
#include <string_view>
#include <utility>
#include <vector>

namespace knell {

namespace {

// A stream into a string that can be moved out; std::ostringstream would hold a second copy of a body of megabytes.
class StringAppender final : public std::streambuf {
  public:
    explicit StringAppender(std::string& text) : text_(text) {}

    // The next `count` lines are thrown away.
    void skip_lines(int count) { skip_ = count; }

  protected:
    int_type overflow(int_type character) override {
        if (!traits_type::eq_int_type(character, traits_type::eof())) {
            const char byte = traits_type::to_char_type(character);
            xsputn(&byte, 1);
        }
        return traits_type::not_eof(character);
    }
    std::streamsize xsputn(const char* bytes, std::streamsize count) override {
        std::string_view rest(bytes, static_cast<std::size_t>(count));
        for (; skip_ > 0 && !rest.empty(); rest.remove_prefix(1)) {
            skip_ -= rest.front() == '\n' ? 1 : 0;
        }
        text_.append(rest);
        return count;
    }

  private:
    std::string& text_;
    int skip_ = 0;
};

} // namespace

std::string to_text(const std::function<void(const FamilySink&)>& collect, std::size_t expected_series) {
    constexpr std::size_t kBytesPerSeries = 128;  // a line with Kubernetes names of usual length
    constexpr std::size_t kNodeFamilies = 16'384; // whatever the number of workloads
    std::string text;
    text.reserve(expected_series * kBytesPerSeries + kNodeFamilies);
    StringAppender buffer(text);
    std::ostream out(&buffer);
    const prometheus::TextSerializer serializer;
    std::vector<prometheus::MetricFamily> one(1);
    collect([&](FamilyBatch&& batch) {
        // The serializer writes HELP and TYPE before whatever it is given; a family has them once.
        constexpr int kHeaderLines = 2;
        buffer.skip_lines(batch.family.name == one.front().name ? kHeaderLines : 0);
        one.front() = std::move(batch.family);
        serializer.Serialize(out, one);
    });
    return text;
}

} // namespace knell
