#pragma once

#include <cstdint>
#include <sys/ioctl.h>
#include <sys/wait.h>

// Kernel constants of pidfds that Debian 12's headers do not have yet, from include/uapi/linux/{pidfd,nsfs,sched}.h and
// asm-generic/socket.h. Not installed.
namespace knell::abi {

inline constexpr long kPidfsMagic = 0x50494446; // statfs.f_type of a pidfd since 6.9
inline constexpr long kProcfsMagic = 0x9fa0;    // of a procfs
inline constexpr unsigned kPidfdThread = 0x80;  // PIDFD_THREAD = O_EXCL, 6.9

inline constexpr unsigned kPidfdSignalThread = 1; // 6.9
inline constexpr unsigned kPidfdSignalThreadGroup = 2;
inline constexpr unsigned kPidfdSignalProcessGroup = 4;

inline constexpr int kSoPassPidfd = 76; // 6.5
inline constexpr int kSoPeerPidfd = 77;
inline constexpr int kScmPidfd = 4;

inline constexpr std::uint64_t kCloneAutoreap = 1ULL << 34; // 7.1
inline constexpr std::uint64_t kCloneNnp = 1ULL << 35;
inline constexpr std::uint64_t kClonePidfdAutokill = 1ULL << 36;

// PIDFD_GET_<KIND>_NAMESPACE, 6.11: numbers 1 to 10 in the order of NamespaceKind.
inline constexpr unsigned long kPidfdGetFirstNamespace = _IO(0xFF, 1);
inline constexpr unsigned long kPidfdGetPidNamespace = _IO(0xFF, 5);

inline constexpr unsigned long kNsGetParent = _IO(0xb7, 0x2);             // 4.9
inline constexpr unsigned long kNsGetPidFromPidns = _IOR(0xb7, 0x6, int); // 6.11; the argument is the number itself
inline constexpr unsigned long kNsGetPidInPidns = _IOR(0xb7, 0x8, int);
inline constexpr unsigned long kNsGetTgidInPidns = _IOR(0xb7, 0x9, int);

// struct pidfd_info with all fields up to 7.1. The kernel takes every size from 64 on and leaves what it does not know
// at zero; the size is part of the ioctl's number.
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
    std::int32_t exit_code;        // 6.15
    std::uint32_t coredump_mask;   // 6.16
    std::uint32_t coredump_signal; // 6.19
    std::uint64_t supported_mask;  // 6.19
    std::uint32_t coredump_code;   // 7.1
    std::uint32_t spare;
};
inline constexpr std::size_t kPidfdInfoSizes[] = {64, 72, 80, 88}; // 6.13, 6.16, 6.19, 7.1
static_assert(sizeof(PidfdInfo) == 88);

inline constexpr std::uint64_t kPidfdInfoPid = 1U << 0;
inline constexpr std::uint64_t kPidfdInfoCreds = 1U << 1;
inline constexpr std::uint64_t kPidfdInfoCgroupId = 1U << 2;
inline constexpr std::uint64_t kPidfdInfoExit = 1U << 3;
inline constexpr std::uint64_t kPidfdInfoCoredump = 1U << 4;
inline constexpr std::uint64_t kPidfdInfoSupported = 1U << 5;
inline constexpr std::uint64_t kPidfdInfoCoredumpSignal = 1U << 6;
inline constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);

} // namespace knell::abi
