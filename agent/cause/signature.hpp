#pragma once

#include "bpf/events.h"

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace knell {

// What the record of one signal tells about its origin. Shared by the reason (explain.cpp) and the killer (killer.cpp).

// A name in a record, as far as its field goes where no NUL ends it.
template <std::size_t N>
std::string_view text_of(const char (&field)[N]) {
    return {field, ::strnlen(field, N)};
}

inline bool has_sender_flag(const knell_signal& signal, knell_sender_flag flag) {
    return (signal.sender_flags & static_cast<std::uint32_t>(flag)) != 0;
}

inline bool has_signal_flag(const knell_signal& signal, knell_signal_flag flag) {
    return (signal.flags & static_cast<std::uint32_t>(flag)) != 0;
}

// Signals whose default action is "core" (include/linux/signal.h, SIG_KERNEL_COREDUMP_MASK).
inline bool is_core_signal(int number) {
    constexpr std::array kCoreSignals = {SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
                                         SIGFPE,  SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS};
    for (const int core_signal : kCoreSignals) {
        if (number == core_signal) {
            return true;
        }
    }
    return false;
}

// The processor or the kernel stopped the process at its own instruction. si_code > 0 cannot be forged by another
// process: rt_sigqueueinfo() and pidfd_send_signal() allow it towards oneself only (kernel/signal.c). SI_KERNEL is
// among them on purpose: an x86 access to a non-canonical address faults with SIGSEGV and SI_KERNEL.
inline bool is_fault(const knell_signal& signal) {
    return signal.siginfo == KNELL_SIGINFO_VALUE && signal.si_code > 0 && has_sender_flag(signal, KNELL_SENDER_SELF) &&
           is_core_signal(signal.number);
}

// exit_ptrace(): SIGKILL with SEND_SIG_PRIV to each traced thread that has PTRACE_O_EXITKILL, by the dying tracer. It
// asked for that while it lived. Nobody else who is dying sends PRIV to a thread.
inline bool is_tracers_exit_kill(const knell_signal& signal) {
    return signal.number == SIGKILL && signal.siginfo == KNELL_SIGINFO_PRIV && signal.group == 0 &&
           has_sender_flag(signal, KNELL_SENDER_EXITING) && !has_sender_flag(signal, KNELL_SENDER_KTHREAD);
}

// The kernel sent it on its own account, often from an interrupt or a kernel thread: whoever was `current` is a
// bystander. Terminals, alarms and CPU limits send SEND_SIG_PRIV; POSIX timers SI_TIMER and USB requests SI_ASYNCIO,
// both from interrupts; SIGIO and memory failures other positive codes. A sender may forge the two negative codes and
// will then pass for the kernel: better than to blame a bystander at every timer.
inline bool is_from_kernel(const knell_signal& signal) {
    if (has_sender_flag(signal, KNELL_SENDER_KTHREAD)) {
        return true;
    }
    if (signal.siginfo == KNELL_SIGINFO_PRIV) {
        return !is_tracers_exit_kill(signal);
    }
    if (signal.siginfo != KNELL_SIGINFO_VALUE) {
        return false;
    }
    return signal.si_code == SI_TIMER || signal.si_code == SI_ASYNCIO || (signal.si_code > 0 && !is_fault(signal));
}

} // namespace knell
