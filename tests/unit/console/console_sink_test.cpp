#include "exporters/console/console_sink.hpp"

#include "agent/base/fd.hpp"
#include "exporters/jsonl/event_json.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

namespace knell {
namespace {

class ConsoleSinkTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_NE(std::signal(SIGPIPE, SIG_IGN), SIG_ERR); // as the program does
        std::array<int, 2> fds{};
        ASSERT_EQ(::pipe2(fds.data(), O_CLOEXEC), 0);
        reader_ = Fd(fds[0]);
        pipe_ = Fd(fds[1]);
        ASSERT_EQ(::fcntl(reader_.get(), F_SETFL, O_NONBLOCK), 0);
    }

    ConsoleOptions options() const {
        ConsoleOptions options;
        options.fd = pipe_.get();
        return options;
    }

    std::function<void()> count_done() {
        return [this] { ++done_; };
    }

    std::string output() const {
        std::array<char, 65536> buffer{};
        const ssize_t got = ::read(reader_.get(), buffer.data(), buffer.size());
        return {buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
    }

    Fd reader_;
    Fd pipe_;
    int done_ = 0;
};

Exit exit_of(std::uint32_t pid, const std::string& comm = "a") {
    Exit exit;
    exit.process.pid = pid;
    exit.process.comm = comm;
    exit.time = monotonic_now();
    exit.reason = Reason::success;
    return exit;
}

TEST_F(ConsoleSinkTest, ATableStartsWithItsHeader) {
    ConsoleSink sink(options(), count_done());
    EXPECT_EQ(output(), format_header(Layout::for_file()) + '\n');
    const Exit exit = exit_of(1);
    sink.on_event(exit);
    EXPECT_EQ(output(), format_row(exit, Layout::for_file()) + '\n');
    EXPECT_EQ(done_, 0);
}

TEST_F(ConsoleSinkTest, ATerminalGetsItsWidthAndColour) {
    ConsoleOptions wide = options();
    wide.width = 100;
    wide.colour = true;
    ConsoleSink sink(wide, count_done());
    EXPECT_EQ(output(), format_header(Layout::for_terminal(100, true)) + '\n');
    sink.on_event(exit_of(1));
    EXPECT_THAT(output(), testing::HasSubstr("\x1b[2msuccess"));
}

TEST_F(ConsoleSinkTest, JsonHasNoHeader) {
    ConsoleOptions json = options();
    json.json = true;
    ConsoleSink sink(json, count_done());
    const Exit hostile = exit_of(7, "a\n\xff\x1b");
    sink.on_event(hostile);
    const std::string line = output();
    EXPECT_EQ(line, to_json(hostile) + '\n');
    const nlohmann::json parsed = nlohmann::json::parse(line);
    EXPECT_EQ(parsed.at("pid"), 7);
    EXPECT_EQ(parsed.at("comm"), "a\n\uFFFD\x1b");
}

TEST_F(ConsoleSinkTest, TheFilterDecides) {
    ConsoleOptions filtered = options();
    filtered.json = true;
    filtered.filter.comm_glob = "b*";
    ConsoleSink sink(filtered, count_done());
    sink.on_event(exit_of(1, "a"));
    EXPECT_EQ(output(), "");
    sink.on_event(exit_of(2, "bash"));
    EXPECT_THAT(output(), testing::HasSubstr("\"pid\":2"));
}

TEST_F(ConsoleSinkTest, EndsAfterCountShownEvents) {
    ConsoleOptions counted = options();
    counted.json = true;
    counted.count = 2;
    counted.filter.comm_glob = "b";
    ConsoleSink sink(counted, count_done());
    sink.on_event(exit_of(1, "b"));
    sink.on_event(exit_of(2, "a"));
    EXPECT_EQ(done_, 0);
    sink.on_event(exit_of(3, "b"));
    EXPECT_EQ(done_, 1);
    sink.on_event(exit_of(4, "b"));
    EXPECT_EQ(done_, 1);
    EXPECT_THAT(output(), testing::Not(testing::HasSubstr("\"pid\":4")));
}

TEST_F(ConsoleSinkTest, EndsWhenTheReaderHasGone) {
    ConsoleSink sink(options(), count_done());
    reader_.reset();
    EXPECT_EQ(done_, 0);
    sink.on_event(exit_of(1));
    EXPECT_EQ(done_, 1);
    EXPECT_EQ(sink.last_errno(), EPIPE);
    EXPECT_EQ(sink.dropped(), 1U);
    sink.on_event(exit_of(2));
    EXPECT_EQ(done_, 1);
    EXPECT_EQ(sink.dropped(), 1U);
}

TEST_F(ConsoleSinkTest, AReaderWhoIsGoneFromTheStartIsNoticedAtTheFirstEvent) {
    reader_.reset();
    ConsoleSink sink(options(), count_done());
    EXPECT_EQ(done_, 0);
    sink.on_event(exit_of(1));
    EXPECT_EQ(done_, 1);
}

TEST_F(ConsoleSinkTest, WhatASlowReaderMissedFollowsWithTheNextEvent) {
    ASSERT_GT(::fcntl(pipe_.get(), F_SETPIPE_SZ, ::getpagesize()), 0);
    ConsoleOptions json = options();
    json.json = true;
    json.filter.comm_glob = "a";
    ConsoleSink sink(json, count_done());
    std::string sent;
    for (std::uint32_t pid = 1; pid <= 100; ++pid) {
        const Exit exit = exit_of(pid);
        sink.on_event(exit);
        sent += to_json(exit) + '\n';
    }
    EXPECT_EQ(sink.last_errno(), EAGAIN);
    std::string got;
    for (std::string part = output(); !part.empty(); part = output()) {
        got += part;
        sink.on_event(exit_of(1000, "hidden"));
    }
    EXPECT_EQ(got, sent);
    EXPECT_EQ(sink.dropped(), 0U);
    EXPECT_EQ(done_, 0);
}

TEST_F(ConsoleSinkTest, DrainHandsOverTheRest) {
    ASSERT_GT(::fcntl(pipe_.get(), F_SETPIPE_SZ, ::getpagesize()), 0);
    ConsoleOptions json = options();
    json.json = true;
    ConsoleSink sink(json, count_done());
    const std::string long_comm(3000, 'x');
    sink.on_event(exit_of(1, long_comm));
    sink.on_event(exit_of(2, long_comm));
    EXPECT_THAT(output(), testing::Not(testing::HasSubstr("\"pid\":2")));
    sink.drain(30 * kSecond);
    EXPECT_THAT(output(), testing::HasSubstr("\"pid\":2"));
}

} // namespace
} // namespace knell
