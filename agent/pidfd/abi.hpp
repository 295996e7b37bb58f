#pragma once

#include <cstdint>
#include <sys/ioctl.h>

// Kernel constants of pidfds that Debian 12's headers do not have yet. Source: include/uapi/linux/pidfd.h.
namespace knell::abi {

inline constexpr long kPidfsMagic = 0x50494446; // statfs.f_type of a pidfd since 6.9

// struct pidfd_info, first version (6.13); exit_code is valid since 6.15.
struct PidfdInfo {
    std::uint64_t mask;
    std::uint64_t cgroupid;
    std::uint32_t pid;
    std::uint32_t tgid;
    std::uint32_t ppid;
    std::uint32_t ruid;
    std::uint32_t rgid;
    std::uint32_t euid;
    std::uint32_t egid;
    std::uint32_t suid;
    std::uint32_t sgid;
    std::uint32_t fsuid;
    std::uint32_t fsgid;
    std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);

inline constexpr std::uint64_t kPidfdInfoPid = 1U << 0;
inline constexpr std::uint64_t kPidfdInfoExit = 1U << 3;
inline constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);

} // namespace knell::abi
