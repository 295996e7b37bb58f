#pragma once

#include "agent/cause/explain.hpp"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string_view>

// Builds the facts of deaths the way the traces of real kernels read: `killed(SIGKILL, by_kill(SIGKILL))`.
namespace knell::test {

inline constexpr std::uint32_t kVictim = 145'158;
inline constexpr std::uint32_t kSender = 145'148;
inline constexpr std::uint64_t kSignalTime = 20'116'500;
inline constexpr int kCore = 0x80;

// The origin of a signal. Defaults: kill() by an unrelated process.
struct Origin {
    knell_siginfo siginfo = KNELL_SIGINFO_VALUE;
    int si_code = SI_USER;
    bool group = true;
    unsigned flags = 0; // enum knell_sender_flag
    std::uint32_t pid = kSender;
    std::uint32_t uid = 0;
    std::string_view comm = "exitmon";
    std::string_view exe = "";
    unsigned signal_flags = 0; // enum knell_signal_flag
};

inline knell_signal make_signal(int number, const Origin& origin) {
    knell_signal signal{};
    signal.time_ns = kSignalTime;
    signal.sender_pid = (origin.flags & KNELL_SENDER_SELF) != 0 ? kVictim : origin.pid;
    signal.sender_uid = origin.uid;
    signal.si_code = origin.si_code;
    signal.sender_flags = origin.flags;
    signal.number = static_cast<std::uint8_t>(number);
    signal.siginfo = static_cast<std::uint8_t>(origin.siginfo);
    signal.group = origin.group ? 1 : 0;
    signal.flags = origin.signal_flags;
    std::memcpy(signal.sender_comm, origin.comm.data(), std::min(origin.comm.size(), sizeof(signal.sender_comm)));
    std::memcpy(signal.sender_exe, origin.exe.data(), std::min(origin.exe.size(), sizeof(signal.sender_exe)));
    return signal;
}

// kill(), pidfd_send_signal(): to the process.
inline Origin by_kill(unsigned flags = 0) {
    return {.flags = flags};
}
// tgkill(): to a thread.
inline Origin by_tgkill(unsigned flags = 0) {
    return {.si_code = SI_TKILL, .group = false, .flags = flags};
}
inline Origin by_sigqueue(unsigned flags = 0) {
    return {.si_code = SI_QUEUE, .flags = flags};
}
// The processor's or the kernel's own si_code, to the thread that caused it.
inline Origin by_fault(int si_code) {
    return {.si_code = si_code, .group = false, .flags = KNELL_SENDER_SELF};
}
// SEND_SIG_NOINFO: si_code is not valid and recorded as 0.
inline Origin by_noinfo(bool group, unsigned flags = 0) {
    return {.siginfo = KNELL_SIGINFO_NOINFO, .si_code = 0, .group = group, .flags = flags};
}
// SEND_SIG_PRIV.
inline Origin by_priv(bool group, unsigned flags = 0) {
    return {.siginfo = KNELL_SIGINFO_PRIV, .si_code = 0, .group = group, .flags = flags};
}

// The OOM killer, in the context of whoever allocated.
inline Origin by_oom_killer(unsigned scope = 0, unsigned flags = 0) {
    return {.siginfo = KNELL_SIGINFO_PRIV,
            .si_code = 0,
            .flags = flags,
            .signal_flags = static_cast<unsigned>(KNELL_SIGNAL_OOM) | scope};
}

inline ExitFacts exited(int code) {
    ExitFacts facts;
    facts.status = code << 8;
    facts.signals_observed = true;
    return facts;
}

// Died of `status` (a signal, with kCore if it dumped), and no record of any signal.
inline ExitFacts killed(int status, unsigned exit_flags = 0) {
    ExitFacts facts = exited(0);
    facts.status = status;
    facts.exit_flags = exit_flags;
    return facts;
}

inline ExitFacts with_signal(ExitFacts facts, int number, const Origin& origin) {
    facts.fatal = make_signal(number, origin);
    return facts;
}

inline ExitFacts killed(int status, const Origin& origin, unsigned exit_flags = 0) {
    return with_signal(killed(status, exit_flags), status & 0x7f, origin);
}

inline ExitFacts unobserved(ExitFacts facts) {
    facts.signals_observed = false;
    return facts;
}

inline ExitFacts asked_to_stop(ExitFacts facts, int stop_signal = SIGTERM) {
    facts.stop_signal = stop_signal;
    return facts;
}

} // namespace knell::test
