#include "agent/pidfd/pidfd.hpp"

#include "agent/pidfd/problem.hpp"
#include "tests/pidfd/child.hpp"
#include "tests/pidfd/kernel_age.hpp"
#include "tests/support/children.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <stdexcept>

namespace knell::test {
namespace {

class Listener {
  public:
    Listener() {
        // An address without a name: the kernel chooses one that is free (unix(7), autobind).
        address_.sun_family = AF_UNIX;
        if (::bind(socket_.get(), generic(), sizeof(sa_family_t)) != 0 ||
            ::getsockname(socket_.get(), generic(), &size_) != 0 || ::listen(socket_.get(), 1) != 0) {
            throw std::runtime_error("no listening socket");
        }
    }
    // The caller of one end; the other waits to be accepted.
    [[nodiscard]] Fd connect() {
        Fd socket = make();
        if (::connect(socket.get(), generic(), size_) != 0) {
            throw std::runtime_error("no connection");
        }
        return socket;
    }
    [[nodiscard]] Fd accept() const { return Fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }

  private:
    static Fd make() { return Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }
    sockaddr* generic() { return reinterpret_cast<sockaddr*>(&address_); }

    Fd socket_ = make();
    sockaddr_un address_{};
    socklen_t size_ = sizeof(address_);
};

class PidfdPeer : public OnKernelAge {
  protected:
    // True on kernels that cannot say, after having tested that they say so.
    static bool too_old(const Fd& socket) {
        if (available(PidfdFeature::peer_pidfd)) {
            return false;
        }
        EXPECT_EQ(problem_of(Pidfd::from_peer(socket).error()), Problem::kernel_too_old);
        return true;
    }

    Listener listener_;
    // Connects; ends at a word.
    Child child_{[this](const Line& line) {
        const Fd socket = listener_.connect();
        line.tell();
        return static_cast<int>(line.hear());
    }};
    Fd socket_ = listener_.accept();
};
INSTANTIATE_TEST_SUITE_P(Kernels, PidfdPeer, testing::Values(kNewest, kBeforePidfs, kOldest), age_name);

TEST_P(PidfdPeer, Live) {
    if (too_old(socket_)) {
        return;
    }
    const Pidfd peer = value_of(Pidfd::from_peer(socket_));
    EXPECT_TRUE(peer == child_.open());
    EXPECT_NE(::fcntl(peer.fd(), F_GETFD) & FD_CLOEXEC, 0);
}

// As selftests/net/af_unix/scm_pidfd: what the kernel says of the dead is a matter of its age.
TEST_P(PidfdPeer, Dead) {
    if (too_old(socket_)) {
        return;
    }
    (void)child_.line().hear();
    child_.line().tell();
    child_.await_death();
    const Pidfd zombie = value_of(Pidfd::from_peer(socket_));
    EXPECT_EQ(value_of(zombie.poll(ProcessState::running, 0)), ProcessState::zombie);
    (void)child_.reap();
    const auto reaped = Pidfd::from_peer(socket_);
    if (reaped) {
        EXPECT_EQ(value_of(reaped->poll(ProcessState::running, 0)), ProcessState::reaped);
    } else {
        EXPECT_EQ(problem_of(reaped.error()), Problem::gone) << reaped.error().message;
    }
}

TEST_P(PidfdPeer, BothEndsOfAPairAreTheirMakers) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    for (const Fd& end : {Fd(ends[0]), Fd(ends[1])}) {
        if (!too_old(end)) {
            EXPECT_TRUE(value_of(Pidfd::from_peer(end)) == value_of(Pidfd::self()));
        }
    }
}

TEST_P(PidfdPeer, WhatHasNone) {
    if (too_old(socket_)) {
        return;
    }
    struct Row {
        const char* what;
        int fd;
        int errno_value;
    };
    const Row rows[] = {
        {"unconnected", ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ENODATA},
        {"another family", ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ENODATA},
        {"no socket", ::open("/dev/null", O_RDONLY | O_CLOEXEC), ENOTSOCK},
    };
    for (const auto& [what, fd, errno_value] : rows) {
        const Fd socket(fd);
        const auto peer = Pidfd::from_peer(socket);
        ASSERT_FALSE(peer) << what;
        EXPECT_EQ(peer.error().errno_value, errno_value) << what << ": " << peer.error().message;
    }
}

} // namespace
} // namespace knell::test
