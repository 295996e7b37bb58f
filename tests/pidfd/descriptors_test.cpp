#include "agent/pidfd/descriptors.hpp"

#include "agent/pidfd/features.hpp"
#include "agent/pidfd/problem.hpp"
#include "tests/pidfd/making.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>

namespace knell::test {
namespace {

TEST(Descriptors, AProcessIsHandedOver) {
    const Process child = start_sleeper();
    const Pidfd sent = value_of(Pidfd::open(child.pid()));
    for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
        const Ends sockets = make_sockets(type);
        const auto told = send_descriptors(sockets.first, "a process", std::array{sent.fd(), STDERR_FILENO});
        ASSERT_TRUE(told) << told.error().message;
        auto received = value_of(receive_descriptors(sockets.second));
        EXPECT_EQ(received.message, "a process");
        EXPECT_FALSE(received.sender);
        ASSERT_EQ(received.descriptors.size(), 2U);
        for (const Fd& fd : received.descriptors) {
            EXPECT_EQ(::fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
        }
        EXPECT_EQ(value_of(Pidfd::adopt(std::move(received.descriptors[0]))), sent);
    }
}

TEST(Descriptors, AsManyAsTheKernelTakes) {
    const Ends sockets = make_sockets(SOCK_SEQPACKET);
    const std::vector<int> many(kMostDescriptors, STDERR_FILENO);
    const auto before = count_descriptors();
    ASSERT_TRUE(send_descriptors(sockets.first, "x", many));
    EXPECT_EQ(value_of(receive_descriptors(sockets.second)).descriptors.size(), kMostDescriptors);
    EXPECT_EQ(count_descriptors(), before);
}

TEST(Descriptors, RefusesWhatIsNoMessage) {
    const Ends sockets = make_sockets(SOCK_STREAM);
    const std::vector<int> too_many(kMostDescriptors + 1, STDERR_FILENO);
    EXPECT_EQ(send_descriptors(sockets.first, "", std::array{STDERR_FILENO}).error().errno_value, EINVAL);
    EXPECT_EQ(send_descriptors(sockets.first, "x", {}).error().errno_value, EINVAL);
    EXPECT_EQ(send_descriptors(sockets.first, "x", too_many).error().errno_value, EINVAL);
    EXPECT_EQ(send_descriptors(sockets.first, "x", std::array{-1}).error().errno_value, EBADF);
}

TEST(Descriptors, TheEndOfTheOtherSide) {
    Ends sockets = make_sockets(SOCK_STREAM);
    sockets.second.reset();
    EXPECT_EQ(send_descriptors(sockets.first, "x", std::array{STDERR_FILENO}).error().errno_value, EPIPE);
    const auto received = value_of(receive_descriptors(sockets.first));
    EXPECT_EQ(received.message, "");
    EXPECT_TRUE(received.descriptors.empty());
}

TEST(Descriptors, AStreamTakesALongMessageInParts) {
    const Ends sockets = make_sockets(SOCK_STREAM);
    const std::string sent(2'000'000, 'x');
    std::jthread sender([&] { EXPECT_TRUE(send_descriptors(sockets.first, sent, std::array{STDERR_FILENO})); });
    std::size_t bytes = 0;
    std::size_t descriptors = 0;
    while (bytes < sent.size()) {
        const auto received = value_of(receive_descriptors(sockets.second));
        ASSERT_FALSE(received.message.empty());
        bytes += received.message.size();
        descriptors += received.descriptors.size();
    }
    EXPECT_EQ(bytes, sent.size());
    EXPECT_EQ(descriptors, 1U);
}

TEST(Descriptors, OfAMessageThatIsTooLongNothingIsKept) {
    const Ends sockets = make_sockets(SOCK_SEQPACKET);
    const auto before = count_descriptors();
    ASSERT_TRUE(send_descriptors(sockets.first, "too long", std::array{STDERR_FILENO, STDERR_FILENO}));
    const auto received = receive_descriptors(sockets.second, 3);
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().errno_value, EMSGSIZE);
    EXPECT_NE(received.error().message.find("3 bytes"), std::string::npos) << received.error().message;
    EXPECT_EQ(count_descriptors(), before);
}

TEST(Descriptors, OfAMessageWithTooManyDescriptorsNothingIsKept) {
    const Ends sockets = make_sockets(SOCK_SEQPACKET);
    const std::vector<int> sent(10, STDERR_FILENO);
    ASSERT_TRUE(send_descriptors(sockets.first, "x", sent));
    const DescriptorLimit limit(256);
    auto fillers = fill_descriptors(4);
    const auto received = receive_descriptors(sockets.second);
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().errno_value, EMSGSIZE);
    EXPECT_NE(received.error().message.find("RLIMIT_NOFILE"), std::string::npos) << received.error().message;
    EXPECT_EQ(fill_descriptors(0).size(), 4U);
}

class Sender : public testing::Test {
  protected:
    void SetUp() override {
        if (!available(PidfdFeature::peer_pidfd)) {
            GTEST_SKIP() << "SO_PASSPIDFD: Linux 6.5";
        }
    }
    void TearDown() override { forgo({}); }

    const Ends sockets_ = make_sockets(SOCK_SEQPACKET);
};

TEST_F(Sender, IsKnownFromNowOn) {
    ASSERT_TRUE(send_descriptors(sockets_.first, "before", std::array{STDERR_FILENO}));
    ASSERT_TRUE(pass_sender(sockets_.second));
    EXPECT_FALSE(value_of(receive_descriptors(sockets_.second)).sender) << "it was queued before";

    Child child([this](const Line&) {
        if (send_descriptors(sockets_.first, "after", std::array{STDERR_FILENO})) {
            ::pause();
        }
        return 1;
    });
    const auto received = value_of(receive_descriptors(sockets_.second));
    ASSERT_TRUE(received.sender);
    EXPECT_EQ(received.descriptors.size(), 1U);
    EXPECT_EQ(::fcntl(received.sender->fd(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(value_of(received.sender->poll(ProcessState::running, 0)), ProcessState::running);
    child.kill(SIGKILL);
    EXPECT_EQ(WTERMSIG(child.reap()), SIGKILL);
    EXPECT_NE(value_of(received.sender->poll(ProcessState::running, 0)), ProcessState::running);
}

// Before 6.17 a reaped sender has no pidfd any more: the message counts all the same.
TEST_F(Sender, MayBeGone) {
    ASSERT_TRUE(pass_sender(sockets_.second));
    Child child([this](const Line&) {
        return send_descriptors(sockets_.first, "last words", std::array{STDERR_FILENO}) ? 0 : 1;
    });
    ASSERT_EQ(child.reap(), 0);
    const auto received = value_of(receive_descriptors(sockets_.second));
    EXPECT_EQ(received.message, "last words");
    if (received.sender) {
        EXPECT_EQ(value_of(received.sender->poll(ProcessState::running, 0)), ProcessState::reaped);
    }
}

TEST_F(Sender, IsNotKeptIfTheMessageIsNot) {
    ASSERT_TRUE(pass_sender(sockets_.second));
    const auto before = count_descriptors();
    ASSERT_TRUE(send_descriptors(sockets_.first, "too long", std::array{STDERR_FILENO}));
    EXPECT_EQ(receive_descriptors(sockets_.second, 3).error().errno_value, EMSGSIZE);
    EXPECT_EQ(count_descriptors(), before);
}

TEST_F(Sender, TakesANewKernel) {
    forgo(PidfdFeatures().set(static_cast<std::size_t>(PidfdFeature::peer_pidfd)));
    EXPECT_EQ(problem_of(pass_sender(sockets_.second).error()), Problem::kernel_too_old);
}

} // namespace
} // namespace knell::test
