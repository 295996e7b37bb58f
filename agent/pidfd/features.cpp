#include "agent/pidfd/features.hpp"

#include "agent/base/fd.hpp"
#include "agent/base/signals_blocked.hpp"
#include "agent/pidfd/abi.hpp"
#include "agent/pidfd/clone3.hpp"

#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace knell {
namespace {

enum class Answer : char { unasked, yes, no };

// What a refusal says about the kernel: nothing, while descriptors, memory or processes are out.
Answer refusal(int errno_value) {
    switch (errno_value) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
        return Answer::unasked;
    default:
        return Answer::no;
    }
}

Answer answer(bool yes) {
    return yes ? Answer::yes : refusal(errno);
}

Fd open_pidfd(pid_t pid, unsigned flags) {
    return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, flags)));
}

Answer ask_peer_pidfd() {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return refusal(errno);
    }
    const Fd ours(ends[0]);
    const Fd theirs(ends[1]);
    int pidfd = -1;
    socklen_t size = sizeof(pidfd);
    const Answer answered = answer(::getsockopt(ours.get(), SOL_SOCKET, abi::kSoPeerPidfd, &pidfd, &size) == 0);
    const Fd peer(pidfd);
    return answered;
}

Answer ask_pidfs(const Fd& self) {
    struct statfs info{};
    return answer(::fstatfs(self.get(), &info) == 0 && info.f_type == abi::kPidfsMagic);
}

Answer ask_thread_pidfds() {
    return answer(static_cast<bool>(open_pidfd(static_cast<pid_t>(::syscall(SYS_gettid)), abi::kPidfdThread)));
}

Answer ask_signal_scopes(const Fd& self) {
    return answer(::syscall(SYS_pidfd_send_signal, self.get(), 0, nullptr, abi::kPidfdSignalThreadGroup) == 0);
}

Answer ask_namespace_ioctls(const Fd& self) {
    return answer(static_cast<bool>(Fd(::ioctl(self.get(), abi::kPidfdGetPidNamespace, 0))));
}

Answer ask_pidns_ioctls(const Fd& self) {
    const Fd pidns(::ioctl(self.get(), abi::kPidfdGetPidNamespace, 0));
    if (!pidns) {
        return refusal(errno);
    }
    return answer(::ioctl(pidns.get(), abi::kNsGetTgidInPidns, ::getpid()) == ::getpid());
}

Answer ask_info(const Fd& self) {
    abi::PidfdInfo info{};
    info.mask = abi::kPidfdInfoPid;
    return answer(::ioctl(self.get(), abi::kPidfdGetInfo, &info) == 0);
}

// A child that ends at once. It sends no signal when it does (exit_signal 0), and nobody who waits for children in the
// ordinary way can see it.
Result<Fd> short_lived_child(std::uint64_t flags) {
    const SignalsBlocked blocked;
    auto child = clone3(CLONE_PIDFD | flags);
    if (!child) {
        return std::unexpected(std::move(child.error()));
    }
    if (child->pid == 0) {
        ::_exit(0);
    }
    return std::move(child->pidfd);
}

// Exit information exists of a reaped process only, so one has to die for the answer.
Answer ask_exit_info() {
    const auto child = short_lived_child(0);
    if (!child) {
        return refusal(child.error().errno_value);
    }
    siginfo_t ended{};
    while (::waitid(P_PIDFD, static_cast<id_t>(child->get()), &ended, WEXITED | __WALL) != 0) {
        if (errno != EINTR) {
            return refusal(errno);
        }
    }
    abi::PidfdInfo info{};
    info.mask = abi::kPidfdInfoExit;
    return answer(::ioctl(child->get(), abi::kPidfdGetInfo, &info) == 0 && (info.mask & abi::kPidfdInfoExit) != 0);
}

Answer ask_autokill() {
    const auto child = short_lived_child(abi::kCloneAutoreap | abi::kCloneNnp | abi::kClonePidfdAutokill);
    return child ? Answer::yes : refusal(child.error().errno_value);
}

Answer ask(PidfdFeature feature) {
    const Fd self = open_pidfd(::getpid(), 0);
    if (!self) {
        return refusal(errno);
    }
    errno = 0; // a call that succeeds with another answer than hoped for leaves it
    switch (feature) {
    case PidfdFeature::peer_pidfd:
        return ask_peer_pidfd();
    case PidfdFeature::pidfs:
        return ask_pidfs(self);
    case PidfdFeature::thread_pidfds:
        return ask_thread_pidfds();
    case PidfdFeature::signal_scopes:
        return ask_signal_scopes(self);
    case PidfdFeature::namespace_ioctls:
        return ask_namespace_ioctls(self);
    case PidfdFeature::pidns_ioctls:
        return ask_pidns_ioctls(self);
    case PidfdFeature::info:
        return ask_info(self);
    case PidfdFeature::exit_info:
        return ask_exit_info();
    case PidfdFeature::autokill:
        return ask_autokill();
    }
    return Answer::no;
}

std::atomic<unsigned long> forgone_features{0};

bool kernel_has(PidfdFeature feature) {
    static std::array<std::atomic<Answer>, kPidfdFeatureCount> answers{};
    std::atomic<Answer>& known = answers[static_cast<std::size_t>(feature)];
    // Two threads may both ask: the kernel answers both alike.
    if (known.load(std::memory_order_relaxed) == Answer::unasked) {
        known.store(ask(feature), std::memory_order_relaxed);
    }
    return known.load(std::memory_order_relaxed) == Answer::yes;
}

} // namespace

bool available(PidfdFeature feature) {
    const PidfdFeatures forgone(forgone_features.load(std::memory_order_relaxed));
    return !forgone.test(static_cast<std::size_t>(feature)) && kernel_has(feature);
}

PidfdFeatures probe_features() {
    PidfdFeatures features;
    for (std::size_t i = 0; i < kPidfdFeatureCount; ++i) {
        features.set(i, kernel_has(static_cast<PidfdFeature>(i)));
    }
    return features;
}

void forgo(PidfdFeatures features) {
    forgone_features.store(features.to_ulong(), std::memory_order_relaxed);
}

} // namespace knell
