#include "exporters/jsonl/jsonl_sink.hpp"

#include "exporters/jsonl/event_json.hpp"
#include "tests/support/children.hpp"
#include "tests/support/temp_dir.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <string>
#include <utility>

namespace knell {
namespace {

using testing::ElementsAre;

class JsonlSinkTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_NE(std::signal(SIGPIPE, SIG_IGN), SIG_ERR); // as in the agent
        path_ = directory_.path() / "events.jsonl";
    }

    std::unique_ptr<JsonlSink> open(std::vector<Reason> reasons) {
        Result<std::unique_ptr<JsonlSink>> sink = JsonlSink::open(path_, std::move(reasons), lost_);
        EXPECT_TRUE(sink.has_value()) << sink.error().message;
        return sink ? *std::move(sink) : nullptr;
    }

    std::vector<std::string> lines() {
        std::ifstream file(path_);
        std::vector<std::string> all;
        for (std::string line; std::getline(file, line);) {
            all.push_back(line);
        }
        return all;
    }

    const test::TempDir directory_ = test::value_of(test::TempDir::create());
    std::string path_;
    LostLines lost_;
};

Exit exit_with(std::uint32_t pid, Reason reason) {
    Exit exit;
    exit.process.pid = pid;
    exit.reason = reason;
    return exit;
}

struct Pipe {
    Fd reader;
    Fd writer;
};

// A page is all that it holds, and it holds a page. Nobody waits at it.
Pipe full_pipe() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::pipe2(fds.data(), O_CLOEXEC | O_NONBLOCK), 0);
    EXPECT_GT(::fcntl(fds[1], F_SETPIPE_SZ, ::getpagesize()), 0);
    const std::vector<char> filler(static_cast<std::size_t>(::getpagesize()), '\n');
    EXPECT_EQ(::write(fds[1], filler.data(), filler.size()), ::getpagesize());
    return {Fd(fds[0]), Fd(fds[1])};
}

Reap reap_of(std::uint32_t pid) {
    Reap reap;
    reap.process.pid = pid;
    return reap;
}

TEST_F(JsonlSinkTest, WithoutReasonsEverythingIsWritten) {
    const auto sink = open({});
    sink->on_event(exit_with(1, Reason::success));
    sink->on_event(reap_of(1));
    EXPECT_THAT(lines(), ElementsAre(to_json(exit_with(1, Reason::success)), to_json(reap_of(1))));
    EXPECT_EQ(sink->dropped(), 0U);
}

TEST_F(JsonlSinkTest, ReasonsSelectExitsAndNothingElse) {
    const auto sink = open({Reason::crash, Reason::oom_kill});
    sink->on_event(exit_with(1, Reason::success));
    sink->on_event(exit_with(2, Reason::crash));
    sink->on_event(reap_of(2));
    sink->on_event(exit_with(3, Reason::oom_kill));
    sink->on_event(Exec{});
    EXPECT_THAT(lines(), ElementsAre(to_json(exit_with(2, Reason::crash)), to_json(exit_with(3, Reason::oom_kill))));
}

TEST_F(JsonlSinkTest, AFileIsAppendedTo) {
    open({})->on_event(exit_with(1, Reason::success));
    open({})->on_event(exit_with(2, Reason::success));
    EXPECT_EQ(lines().size(), 2U);
}

TEST_F(JsonlSinkTest, AnUnusablePathIsRefused) {
    const Result<std::unique_ptr<JsonlSink>> sink = JsonlSink::open(directory_.path(), {}, lost_);
    ASSERT_FALSE(sink.has_value());
    EXPECT_EQ(sink.error().errno_value, EISDIR);
}

TEST_F(JsonlSinkTest, AnEventThatIsNotSelectedStillFlushesWhatWasKept) {
    const auto [reader, pipe] = full_pipe();
    JsonlSink sink(Output::borrow(pipe.get()), {Reason::crash}, lost_);
    std::vector<char> filler(static_cast<std::size_t>(::getpagesize()));

    sink.on_event(exit_with(7, Reason::crash));
    EXPECT_EQ(sink.last_errno(), EAGAIN);
    ASSERT_EQ(::read(reader.get(), filler.data(), filler.size()), ::getpagesize());
    EXPECT_LT(::read(reader.get(), filler.data(), filler.size()), 0);
    sink.on_event(exit_with(8, Reason::success));
    const ssize_t got = ::read(reader.get(), filler.data(), filler.size());
    ASSERT_GT(got, 0);
    EXPECT_EQ(std::string(filler.data(), static_cast<std::size_t>(got)), to_json(exit_with(7, Reason::crash)) + '\n');
}

// As at a reload, while a reader is slow.
TEST_F(JsonlSinkTest, WhatIsKeptAtTheEndIsLostAndCounted) {
    const auto [reader, pipe] = full_pipe();
    const auto lost = [&] { return lost_[static_cast<std::size_t>(LineLoss::slow_reader)].value(); };
    {
        JsonlSink sink(Output::borrow(pipe.get()), {}, lost_);
        sink.on_event(exit_with(7, Reason::crash));
        sink.on_event(exit_with(8, Reason::crash));
        EXPECT_EQ(lost(), 0U);
    }
    EXPECT_EQ(lost(), 2U);
}

TEST_F(JsonlSinkTest, LossesOfAllSinksAddUp) {
    const auto lost = [&] { return lost_[static_cast<std::size_t>(LineLoss::reader_gone)].value(); };
    for (const std::uint64_t before : {0U, 1U}) {
        std::array<int, 2> fds{};
        ASSERT_EQ(::pipe2(fds.data(), O_CLOEXEC | O_NONBLOCK), 0);
        const Fd pipe(fds[1]);
        ::close(fds[0]);
        JsonlSink sink(Output::borrow(pipe.get()), {}, lost_);
        EXPECT_EQ(lost(), before);
        sink.on_event(exit_with(7, Reason::crash));
        EXPECT_EQ(lost(), before + 1);
    }
    EXPECT_EQ(lost(), 2U);
}

} // namespace
} // namespace knell
