#include "agent/pidfd/pidfd.hpp"

#include "agent/pidfd/abi.hpp"
#include "agent/pidfd/features.hpp"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace knell {

Result<Pidfd> Pidfd::open(pid_t pid) {
    const long fd = ::syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0) {
        return system_failure("pidfd_open(" + std::to_string(pid) + ")", errno);
    }
    return Pidfd(Fd(static_cast<int>(fd)));
}

Result<std::uint64_t> Pidfd::inode() const {
    if (!available(PidfdFeature::pidfs)) {
        return 0;
    }
    struct stat info{};
    if (::fstat(fd(), &info) != 0) {
        return system_failure("fstat of a pidfd", errno);
    }
    return info.st_ino;
}

std::optional<int> Pidfd::exit_status() const {
    abi::PidfdInfo info{};
    info.mask = abi::kPidfdInfoPid | abi::kPidfdInfoExit;
    if (::ioctl(fd(), abi::kPidfdGetInfo, &info) != 0 || (info.mask & abi::kPidfdInfoExit) == 0) {
        return std::nullopt;
    }
    return info.exit_code;
}

Result<> Pidfd::send_signal(int signal, SignalScope) const {
    if (::syscall(SYS_pidfd_send_signal, fd(), signal, nullptr, 0) != 0) {
        return system_failure("pidfd_send_signal", errno);
    }
    return {};
}

} // namespace knell
