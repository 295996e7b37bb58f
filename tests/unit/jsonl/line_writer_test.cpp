#include "exporters/jsonl/line_writer.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace knell {
namespace {

// A pipe with room for one page, so that a few lines fill it.
class LineWriterTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_NE(std::signal(SIGPIPE, SIG_IGN), SIG_ERR); // as the program does
        std::array<int, 2> fds{};
        ASSERT_EQ(::pipe2(fds.data(), O_CLOEXEC), 0);
        reader_ = Fd(fds[0]);
        pipe_ = Fd(fds[1]);
        ASSERT_GT(::fcntl(pipe_.get(), F_SETPIPE_SZ, ::getpagesize()), 0);
        ASSERT_EQ(::fcntl(reader_.get(), F_SETFL, O_NONBLOCK), 0);
        writer_.emplace(Output::borrow(pipe_.get()));
    }

    // What the pipe holds now.
    std::string take() {
        std::string all;
        std::array<char, 65536> buffer{};
        for (ssize_t got = 0; (got = ::read(reader_.get(), buffer.data(), buffer.size())) > 0;) {
            all.append(buffer.data(), static_cast<std::size_t>(got));
        }
        return all;
    }

    // Reads and flushes in turn until nothing comes any more.
    std::string take_all() {
        std::string all;
        for (std::string part = take(); !part.empty(); part = take()) {
            all += part;
            writer_->flush();
        }
        return all;
    }

    static std::string line(int number, std::size_t size) {
        std::string text = std::to_string(number) + ' ';
        return text + std::string(size - text.size() - 1, 'x') + '\n';
    }

    Fd reader_;
    Fd pipe_;
    std::optional<LineWriter> writer_;
};

TEST_F(LineWriterTest, LinesArriveAtOnce) {
    EXPECT_TRUE(writer_->write("one\n"));
    EXPECT_EQ(take(), "one\n");
    EXPECT_TRUE(writer_->write("two\n"));
    EXPECT_EQ(take(), "two\n");
    EXPECT_EQ(writer_->dropped(), 0U);
    EXPECT_EQ(writer_->last_errno(), 0);
}

TEST_F(LineWriterTest, ASlowReaderGetsEveryLineWholeAndInOrder) {
    std::string sent;
    for (int i = 0; i < 100; ++i) {
        const std::string text = line(i, 700);
        EXPECT_TRUE(writer_->write(text));
        sent += text;
    }
    EXPECT_EQ(writer_->last_errno(), EAGAIN);
    EXPECT_EQ(take_all(), sent);
    EXPECT_EQ(writer_->dropped(), 0U);
}

TEST_F(LineWriterTest, ALineLongerThanThePipeIsContinuedNotTorn) {
    const std::string giant = line(1, 5 * static_cast<std::size_t>(::getpagesize()) + 123);
    EXPECT_TRUE(writer_->write(giant));
    EXPECT_TRUE(writer_->write("next\n"));
    EXPECT_EQ(take_all(), giant + "next\n");
}

TEST_F(LineWriterTest, BeyondTheBoundNewLinesAreDroppedAndCounted) {
    constexpr int kLines = 1000;
    for (int i = 0; i < kLines; ++i) {
        EXPECT_TRUE(writer_->write(line(i, 1000)));
    }
    const std::uint64_t dropped = writer_->dropped();
    EXPECT_GT(dropped, 0U);
    EXPECT_EQ(writer_->dropped(LineLoss::slow_reader), dropped);
    // The oldest lines are the ones that stay, and every line is either there or counted.
    std::string expected;
    for (int i = 0; i < kLines - static_cast<int>(dropped); ++i) {
        expected += line(i, 1000);
    }
    EXPECT_EQ(take_all(), expected);
    EXPECT_GE(expected.size(), 256U << 10);
    EXPECT_LE(expected.size(), (256U << 10) + static_cast<std::size_t>(::getpagesize()));
    EXPECT_TRUE(writer_->write("again\n"));
    EXPECT_EQ(take(), "again\n");
}

TEST_F(LineWriterTest, AReaderWhoLeavesCostsWhatWasKept) {
    for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(writer_->write(line(i, 1 + static_cast<std::size_t>(::getpagesize()) / 2)));
    }
    reader_.reset();
    EXPECT_FALSE(writer_->flush());
    EXPECT_EQ(writer_->last_errno(), EPIPE);
    // One line fitted in whole.
    EXPECT_EQ(writer_->dropped(LineLoss::reader_gone), 9U);
    EXPECT_FALSE(writer_->write("late\n"));
    EXPECT_EQ(writer_->dropped(), 10U);
    EXPECT_EQ(writer_->dropped(LineLoss::slow_reader), 0U);
}

TEST_F(LineWriterTest, LinesOfTwoWritersToOnePipeStayWhole) {
    LineWriter other(Output::borrow(pipe_.get()));
    std::string all;
    for (int i = 0; i < 200; ++i) {
        EXPECT_TRUE(writer_->write(line(i, 900)));
        EXPECT_TRUE(other.write(line(i, 1100)));
        if (i % 5 == 0) {
            all += take();
        }
    }
    for (std::string part = take(); !part.empty(); part = take()) {
        all += part;
        writer_->flush();
        other.flush();
    }
    int lines = 0;
    for (std::size_t start = 0; start < all.size(); ++lines) {
        const std::size_t size = all.find('\n', start) + 1 - start;
        ASSERT_TRUE(size == 900 || size == 1100) << size;
        start += size;
    }
    EXPECT_EQ(lines, 400);
}

TEST_F(LineWriterTest, DrainingWaitsForTheReader) {
    std::string sent;
    for (int i = 0; i < 50; ++i) {
        sent += line(i, 1000);
        EXPECT_TRUE(writer_->write(line(i, 1000)));
    }
    ASSERT_EQ(::fcntl(reader_.get(), F_SETFL, 0), 0);
    std::string got;
    std::thread reading([&] {
        std::array<char, 4096> buffer{};
        while (got.size() < sent.size()) {
            const ssize_t size = ::read(reader_.get(), buffer.data(), buffer.size());
            if (size <= 0) {
                break;
            }
            got.append(buffer.data(), static_cast<std::size_t>(size));
        }
    });
    writer_->drain(30 * kSecond);
    // Whatever was not drained would leave the reader waiting.
    writer_.reset();
    pipe_.reset();
    reading.join();
    EXPECT_EQ(got, sent);
}

TEST_F(LineWriterTest, DrainingEndsWhenPatienceDoes) {
    for (int i = 0; i < 50; ++i) {
        EXPECT_TRUE(writer_->write(line(i, 1000)));
    }
    writer_->drain(kMillisecond);
    EXPECT_EQ(writer_->dropped(), 0U);
}

TEST(LineWriterDevice, AFullDiskIsCountedAndMayPass) {
    Result<Output> output = Output::open("/dev/full");
    ASSERT_TRUE(output.has_value()) << output.error().message;
    LineWriter writer(*std::move(output));
    const std::string line = std::string(1023, 'x') + '\n';
    for (int i = 0; i < 300; ++i) {
        EXPECT_TRUE(writer.write(line));
    }
    writer.drain(3600 * kSecond); // does not wait: readiness says nothing about space
    EXPECT_EQ(writer.last_errno(), ENOSPC);
    EXPECT_EQ(writer.dropped(LineLoss::no_space), 300U - 256U);
    EXPECT_EQ(writer.dropped(), 300U - 256U);
}

} // namespace
} // namespace knell
