#include "agent/base/log.hpp"

#include "agent/base/fd.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace knell {
namespace {

using ::testing::MatchesRegex;

// Standard error goes to a file without a name while this lives.
class CapturedStderr {
  public:
    CapturedStderr()
        : saved_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)), file_(::memfd_create("stderr", MFD_CLOEXEC)) {
        ::dup2(file_.get(), STDERR_FILENO);
    }
    ~CapturedStderr() { ::dup2(saved_.get(), STDERR_FILENO); }
    CapturedStderr(const CapturedStderr&) = delete;
    CapturedStderr& operator=(const CapturedStderr&) = delete;

    [[nodiscard]] std::vector<std::string> lines() const {
        std::string text(static_cast<std::size_t>(::lseek(file_.get(), 0, SEEK_END)), '\0');
        EXPECT_EQ(::pread(file_.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
        std::vector<std::string> lines;
        for (std::size_t start = 0; start < text.size();) {
            const std::size_t end = text.find('\n', start);
            EXPECT_NE(end, std::string::npos) << "a line without an end";
            lines.push_back(text.substr(start, end - start));
            start = end + 1;
        }
        return lines;
    }

  private:
    Fd saved_;
    Fd file_;
};

TEST(Log, TextLinesHaveTimeLevelAndMessage) {
    log::configure(log::Level::debug, log::Format::text);
    const CapturedStderr captured;
    log::debug("value {}", 1);
    log::info("value {}", 2);
    log::warn("value {}", 3);
    log::error("value {}", 4);
    const auto lines = captured.lines();
    ASSERT_EQ(lines.size(), 4U);
    const std::string time = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z";
    EXPECT_THAT(lines[0], MatchesRegex(time + " debug value 1"));
    EXPECT_THAT(lines[1], MatchesRegex(time + " info  value 2"));
    EXPECT_THAT(lines[2], MatchesRegex(time + " warn  value 3"));
    EXPECT_THAT(lines[3], MatchesRegex(time + " error value 4"));
}

TEST(Log, LevelsBelowTheConfiguredOneAreSilent) {
    log::configure(log::Level::warn, log::Format::text);
    const CapturedStderr captured;
    log::debug("no");
    log::info("no");
    log::warn("yes");
    log::error("yes");
    EXPECT_EQ(captured.lines().size(), 2U);
}

TEST(Log, ATextMessageCannotForgeALineOrDriveATerminal) {
    log::configure(log::Level::info, log::Format::text);
    const CapturedStderr captured;
    log::write(log::Level::info, "comm \x1b[2J\n2026-01-01T00:00:00.000Z error forged {}");
    const auto lines = captured.lines();
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_TRUE(lines[0].ends_with("comm \\x1b[2J\\x0a2026-01-01T00:00:00.000Z error forged {}")) << lines[0];
}

TEST(Log, JsonStaysValidWhateverTheMessage) {
    log::configure(log::Level::info, log::Format::json);
    std::string all_bytes;
    for (int byte = 0; byte < 256; ++byte) {
        all_bytes += static_cast<char>(byte);
    }
    for (const std::string& message : {std::string("plain"), std::string("\"quoted\" \\ {} \n \t \x01"), all_bytes,
                                       std::string("cut \xe2\x82"), std::string(1 << 20, '"')}) {
        const CapturedStderr captured;
        log::write(log::Level::warn, message);
        const auto lines = captured.lines();
        ASSERT_EQ(lines.size(), 1U);
        const auto parsed = nlohmann::json::parse(lines[0], nullptr, false);
        ASSERT_FALSE(parsed.is_discarded()) << lines[0];
        EXPECT_EQ(parsed.at("level"), "warn");
        EXPECT_THAT(parsed.at("time").get<std::string>(), MatchesRegex("2.*T.*\\.[0-9]{3}Z"));
        EXPECT_FALSE(parsed.at("message").get<std::string>().empty());
    }
}

TEST(Log, JsonKeepsTheMessage) {
    log::configure(log::Level::info, log::Format::json);
    const CapturedStderr captured;
    log::info("a \"b\"\n\u00e9 \xff.");
    ASSERT_EQ(captured.lines().size(), 1U);
    EXPECT_EQ(nlohmann::json::parse(captured.lines()[0]).at("message"), "a \"b\"\n\u00e9 \uFFFD.");
}

TEST(Log, LinesOfThreadsDoNotMix) {
    log::configure(log::Level::info, log::Format::json);
    constexpr int kThreads = 4;
    constexpr int kLines = 250;
    const CapturedStderr captured;
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < kThreads; ++t) {
            threads.emplace_back([t] {
                for (int i = 0; i < kLines; ++i) {
                    log::info("thread {} says {}", t, std::string(500, 'x'));
                    if (i % 50 == 0) {
                        log::configure(log::Level::info, log::Format::json);
                    }
                }
            });
        }
    }
    const auto lines = captured.lines();
    EXPECT_EQ(lines.size(), static_cast<std::size_t>(kThreads * kLines));
    for (const std::string& line : lines) {
        EXPECT_TRUE(nlohmann::json::accept(line)) << line;
    }
}

} // namespace
} // namespace knell
