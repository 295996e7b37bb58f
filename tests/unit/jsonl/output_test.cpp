#include "exporters/jsonl/output.hpp"

#include "tests/support/children.hpp"
#include "tests/support/temp_dir.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <ostream>
#include <string>
#include <utility>

namespace knell {
namespace {

// Both ends of something, blocking as a shell would hand it over.
struct Ends {
    Fd reader;
    Fd writer;
};

Ends make_pipe() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::pipe2(fds.data(), O_CLOEXEC), 0);
    return {Fd(fds[0]), Fd(fds[1])};
}

Ends make_socket() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
    return {Fd(fds[0]), Fd(fds[1])};
}

Ends make_terminal() {
    Fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    EXPECT_EQ(::grantpt(master.get()), 0);
    EXPECT_EQ(::unlockpt(master.get()), 0);
    std::array<char, 64> name{};
    EXPECT_EQ(::ptsname_r(master.get(), name.data(), name.size()), 0);
    Fd slave(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    EXPECT_TRUE(slave);
    return {std::move(master), std::move(slave)};
}

struct Kind {
    const char* name;
    Ends (*make)();
};

void PrintTo(const Kind& row, std::ostream* out) {
    *out << row.name;
}

class OutputKinds : public testing::TestWithParam<Kind> {};

// A test that fails here hangs: the write waits for a reader who does not come.
TEST_P(OutputKinds, AReaderWhoDoesNotReadIsNotWaitedFor) {
    const Ends ends = GetParam().make();
    const Output output = Output::borrow(ends.writer.get());
    const std::string line = std::string(999, 'x') + '\n';
    int written = 0;
    while (output.write(line) > 0) {
        ASSERT_LT(++written, 100'000);
    }
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_GT(written, 0);
}

TEST_P(OutputKinds, TheSharedDescriptionStaysBlocking) {
    const Ends ends = GetParam().make();
    const Output output = Output::borrow(ends.writer.get());
    EXPECT_EQ(output.write("x\n"), 2);
    EXPECT_EQ(::fcntl(ends.writer.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_P(OutputKinds, WhatIsWrittenArrives) {
    const Ends ends = GetParam().make();
    const Output output = Output::borrow(ends.writer.get());
    EXPECT_TRUE(output.wait_writable(0));
    EXPECT_EQ(output.write("hello\n"), 6);
    std::array<char, 16> text{};
    EXPECT_GT(::read(ends.reader.get(), text.data(), text.size()), 0);
    EXPECT_THAT(std::string(text.data()), testing::StartsWith("hello"));
}

INSTANTIATE_TEST_SUITE_P(All, OutputKinds,
                         testing::Values(Kind{"pipe", make_pipe}, Kind{"socket", make_socket},
                                         Kind{"terminal", make_terminal}));

TEST(Output, WaitingForRoomEndsWithPatienceOrWithRoom) {
    const Ends ends = make_pipe();
    ASSERT_GT(::fcntl(ends.writer.get(), F_SETPIPE_SZ, ::getpagesize()), 0);
    const Output output = Output::borrow(ends.writer.get());
    std::string page(static_cast<std::size_t>(::getpagesize()), 'x');
    ASSERT_EQ(output.write(page), ::getpagesize());
    EXPECT_FALSE(output.wait_writable(kMillisecond));
    ASSERT_EQ(::read(ends.reader.get(), page.data(), page.size()), ::getpagesize());
    EXPECT_TRUE(output.wait_writable(30 * kSecond));
}

TEST(Output, AClosedDescriptorFailsInsteadOfWaiting) {
    const Output output = Output::borrow(1'000'000);
    EXPECT_EQ(output.write("x\n"), -1);
    EXPECT_EQ(errno, EBADF);
}

TEST(Output, AMasterTerminalIsNotOpenedAnew) {
    const Ends ends = make_terminal();
    const Output output = Output::borrow(ends.reader.get()); // the master side as an output
    EXPECT_EQ(output.write("hello\n"), 6);
    std::array<char, 16> text{};
    EXPECT_EQ(::read(ends.writer.get(), text.data(), text.size()), 6);
}

class OutputFile : public testing::Test {
  protected:
    [[nodiscard]] std::string directory() const { return directory_.path(); }

  private:
    const test::TempDir directory_ = test::value_of(test::TempDir::create());
};

TEST_F(OutputFile, IsCreatedForTheOwnerAndTheGroupOnly) {
    const mode_t mask = ::umask(0);
    const Result<Output> output = Output::open(directory() + "/events");
    ::umask(mask);
    ASSERT_TRUE(output.has_value()) << output.error().message;
    struct stat status{};
    ASSERT_EQ(::stat((directory() + "/events").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0640U);
}

TEST_F(OutputFile, FailuresSayWhat) {
    const std::string path = directory() + "/none/events";
    const Result<Output> missing = Output::open(path);
    ASSERT_FALSE(missing.has_value());
    EXPECT_EQ(missing.error().message, "open " + path + " for writing: No such file or directory");

    const std::string fifo = directory() + "/fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    const Result<Output> unread = Output::open(fifo);
    ASSERT_FALSE(unread.has_value());
    EXPECT_EQ(unread.error().errno_value, ENXIO);
    EXPECT_THAT(unread.error().message, testing::HasSubstr("a pipe needs its reader first"));
}

} // namespace
} // namespace knell
