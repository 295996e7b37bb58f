#include "agent/privilege/seccomp.hpp"

#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace knell {
namespace {

#ifdef KNELL_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// clang-format off: by what they are for
// By name: an architecture lacks some of them (arm64 has no open and no epoll_wait), which libseccomp then leaves out.
// What is not seen in an ordinary run says what it is for.
constexpr std::array kAllowed{
    // loop
    "io_uring_enter", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll",
    "read", "write",
    "writev", // abort messages of glibc
    "close", "fcntl",
    // processes and cgroups
    "pidfd_open", "waitid", "open_by_handle_at", "openat", "open", "getdents64", "readlink", "readlinkat", "access",
    "faccessat", "faccessat2", "stat", "lstat", "fstat", "newfstatat", "statx", "fstatfs",
    "lseek",
    // HTTP
    "accept4", "accept", "recvfrom", "recvmsg", "sendto", "sendmsg", "shutdown", "setsockopt", "getsockopt",
    "getsockname",
    "unlinkat", // pins of an agent before this one, and of this one when it leaves nothing behind
    // memory
    "munmap", "mremap", "madvise", "brk",
    // threads, signals, clocks
    "futex", "set_robust_list", "rseq", "rt_sigprocmask", "rt_sigaction", "rt_sigreturn", "sigaltstack", "sched_yield",
    "restart_syscall", // a wait that goes on after SIGCONT
    "clock_gettime", "clock_nanosleep", "nanosleep", "gettimeofday", // clock_gettime: a clock source without vDSO
    // what it is asked about itself
    "getpid", "gettid", "getrusage", "sched_getaffinity", "getcpu", "sysinfo", "uname", "getrandom",
    // its end
    "exit", "exit_group",
};
// clang-format on

struct ReleaseFilter {
    void operator()(scmp_filter_ctx filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, ReleaseFilter>;

// libseccomp answers a negative errno.
Result<> done(int answer, const std::string& tried) {
    return answer == 0 ? Result<>() : system_failure(tried, -answer);
}

Result<> allow(const Filter& filter, const char* name, std::initializer_list<scmp_arg_cmp> when = {}) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) {
        return {}; // this libseccomp is older than the call, and so are those that would make it
    }
    return done(::seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, number, static_cast<unsigned>(when.size()),
                                         when.begin()),
                std::string("allowing ") + name);
}

scmp_arg_cmp masked(unsigned argument, scmp_datum_t mask, scmp_datum_t wanted) {
    return {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = wanted};
}

scmp_arg_cmp equal(unsigned argument, scmp_datum_t wanted) {
    return {.arg = argument, .op = SCMP_CMP_EQ, .datum_a = wanted, .datum_b = 0};
}

// Calls of which an argument says whether they are harmless.
Result<> allow_some_of_their_uses(const Filter& filter) {
    Result<> allowed;
    const auto also = [&](const char* name, std::initializer_list<scmp_arg_cmp> when) {
        allowed = allowed ? allow(filter, name, when) : allowed;
    };
    for (const auto command : {BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM, BPF_MAP_GET_NEXT_KEY,
                               BPF_OBJ_GET_INFO_BY_FD}) {
        also("bpf", {equal(0, static_cast<scmp_datum_t>(command))});
    }
    for (const char* name : {"mmap", "mprotect"}) {
        also(name, {masked(2, PROT_EXEC, 0)});
    }
    // A command of an ioctl is 32 bits, whatever the register holds above them.
    constexpr scmp_datum_t kCommand = 0xffffffff;
    for (const unsigned long command :
         {static_cast<unsigned long>(TCGETS), static_cast<unsigned long>(TIOCGWINSZ),
          static_cast<unsigned long>(PERF_EVENT_IOC_DISABLE)}) { // the last: hooks are detached by it
        also("ioctl", {masked(1, kCommand, command)});
    }
    // PIDFD_GET_INFO, whose number has the size of the answer in its upper half.
    constexpr scmp_datum_t kTypeAndNumber = 0xffff;
    also("ioctl", {masked(1, kTypeAndNumber, 0xff0b)});
    // Asking for limits, not setting them.
    also("prlimit64", {equal(2, 0)});
    also("getrlimit", {});
    also("tgkill", {equal(0, static_cast<scmp_datum_t>(::getpid()))}); // abort()
    return allowed;
}

Result<> fill(const Filter& filter) {
    for (const char* name : kAllowed) {
        if (auto allowed = allow(filter, name); !allowed) {
            return allowed;
        }
    }
    return allow_some_of_their_uses(filter);
}

} // namespace

Result<> restrict_system_calls() {
    if (kSanitized) {
        return failure("a build with sanitizers, whose run-time makes system calls of its own: it starts a process "
                       "that traces this one to look for leaks");
    }
    const Filter filter(::seccomp_init(SCMP_ACT_ERRNO(EPERM)));
    if (!filter) {
        return system_failure("seccomp_init", ENOMEM);
    }
    // Left alone: whether CPUs speculate past stores (kernels before 5.16 stop that in filtered threads). No code of
    // others runs here that could make use of it.
    constexpr std::array kAttributes{std::pair{SCMP_FLTATR_CTL_TSYNC, 1U}, std::pair{SCMP_FLTATR_CTL_NNP, 0U},
                                     std::pair{SCMP_FLTATR_CTL_SSB, 1U}, std::pair{SCMP_FLTATR_API_SYSRAWRC, 1U}};
    for (const auto& [attribute, value] : kAttributes) {
        if (const int answer = ::seccomp_attr_set(filter.get(), attribute, value); answer != 0) {
            return system_failure("preparing a seccomp filter", -answer);
        }
    }
    if (auto filled = fill(filter); !filled) {
        return filled;
    }
    return done(::seccomp_load(filter.get()), "loading a seccomp filter");
}

} // namespace knell
