#include "agent/pidfd/features.hpp"

#include "agent/base/fd.hpp"
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

namespace knell {
namespace {

Fd open_pidfd(pid_t pid, unsigned flags) {
    return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, flags)));
}

bool has_peer_pidfd() {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return false;
    }
    const Fd ours(ends[0]);
    const Fd theirs(ends[1]);
    int pidfd = -1;
    socklen_t size = sizeof(pidfd);
    const bool answered = ::getsockopt(ours.get(), SOL_SOCKET, abi::kSoPeerPidfd, &pidfd, &size) == 0;
    const Fd peer(pidfd);
    return answered;
}

bool has_pidfs() {
    const Fd self = open_pidfd(::getpid(), 0);
    struct statfs info{};
    return self && ::fstatfs(self.get(), &info) == 0 && info.f_type == abi::kPidfsMagic;
}

bool has_thread_pidfds() {
    return static_cast<bool>(open_pidfd(static_cast<pid_t>(::syscall(SYS_gettid)), abi::kPidfdThread));
}

bool has_signal_scopes() {
    const Fd self = open_pidfd(::getpid(), 0);
    return ::syscall(SYS_pidfd_send_signal, self.get(), 0, nullptr, abi::kPidfdSignalThreadGroup) == 0;
}

Fd own_pid_namespace() {
    const Fd self = open_pidfd(::getpid(), 0);
    return Fd(::ioctl(self.get(), abi::kPidfdGetPidNamespace, 0));
}

bool has_namespace_ioctls() {
    return static_cast<bool>(own_pid_namespace());
}

bool has_pidns_ioctls() {
    const Fd pidns = own_pid_namespace();
    return ::ioctl(pidns.get(), abi::kNsGetTgidInPidns, ::getpid()) == ::getpid();
}

bool has_info() {
    const Fd self = open_pidfd(::getpid(), 0);
    abi::PidfdInfo info{};
    info.mask = abi::kPidfdInfoPid;
    return ::ioctl(self.get(), abi::kPidfdGetInfo, &info) == 0;
}

// Exit information exists of a reaped process only, so one has to die for the answer. It sends no signal when it does
// (exit_signal 0), and nobody who waits for children in the ordinary way can see it.
bool has_exit_info() {
    auto child = clone3(CLONE_PIDFD);
    if (!child) {
        return false;
    }
    if (child->pid == 0) {
        ::_exit(0);
    }
    siginfo_t ended{};
    while (::waitid(P_PIDFD, static_cast<id_t>(child->pidfd.get()), &ended, WEXITED | __WALL) != 0) {
        if (errno != EINTR) {
            return false;
        }
    }
    abi::PidfdInfo info{};
    info.mask = abi::kPidfdInfoExit;
    return ::ioctl(child->pidfd.get(), abi::kPidfdGetInfo, &info) == 0 && (info.mask & abi::kPidfdInfoExit) != 0;
}

bool has_autokill() {
    auto child = clone3(CLONE_PIDFD | abi::kCloneAutoreap | abi::kCloneNnp | abi::kClonePidfdAutokill);
    if (!child) {
        return false;
    }
    if (child->pid == 0) {
        ::_exit(0);
    }
    return true;
}

bool probe(PidfdFeature feature) {
    switch (feature) {
    case PidfdFeature::peer_pidfd:
        return has_peer_pidfd();
    case PidfdFeature::pidfs:
        return has_pidfs();
    case PidfdFeature::thread_pidfds:
        return has_thread_pidfds();
    case PidfdFeature::signal_scopes:
        return has_signal_scopes();
    case PidfdFeature::namespace_ioctls:
        return has_namespace_ioctls();
    case PidfdFeature::pidns_ioctls:
        return has_pidns_ioctls();
    case PidfdFeature::info:
        return has_info();
    case PidfdFeature::exit_info:
        return has_exit_info();
    case PidfdFeature::autokill:
        return has_autokill();
    }
    return false;
}

std::atomic<unsigned long> forgone_features{0};

bool kernel_has(PidfdFeature feature) {
    enum : char { unasked, yes, no };
    static std::array<std::atomic<char>, kPidfdFeatureCount> answers{};
    std::atomic<char>& answer = answers[static_cast<std::size_t>(feature)];
    // Two threads may both ask: the kernel answers both alike.
    if (answer.load(std::memory_order_relaxed) == unasked) {
        answer.store(probe(feature) ? yes : no, std::memory_order_relaxed);
    }
    return answer.load(std::memory_order_relaxed) == yes;
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
