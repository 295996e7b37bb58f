#include "agent/probe/libbpf_log.hpp"

#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <string_view>
#include <utility>

namespace knell {
namespace {

// What libbpf last complained about, for the error message; libbpf reports by a process-wide callback.
thread_local std::string libbpf_complaint;
// Why the verifier refused the last program that it refused.
thread_local std::string verifier_verdict;

// libbpf hands over the verifier's log as one message: "...BEGIN PROG LOAD LOG --", a line for each instruction, the
// reason, "processed N insns ...", "-- END PROG LOAD LOG --". The reason is what a person needs.
std::string verdict_in(std::string_view text) {
    const std::size_t statistics = text.rfind("\nprocessed ");
    if (statistics == std::string_view::npos || text.find("PROG LOAD LOG") == std::string_view::npos) {
        return "";
    }
    text = text.substr(0, statistics);
    return std::string(text.substr(text.rfind('\n') + 1)); // npos + 1 == 0: the only line
}

int collect_complaint(libbpf_print_level level, const char* format, va_list arguments) {
    if (level == LIBBPF_WARN) {
        va_list again;
        va_copy(again, arguments);
        const int length = std::vsnprintf(nullptr, 0, format, again);
        va_end(again);
        std::string text(static_cast<std::size_t>(std::max(0, length)), '\0');
        (void)std::vsnprintf(text.data(), text.size() + 1, format, arguments);
        while (!text.empty() && text.back() == '\n') {
            text.pop_back();
        }
        if (std::string verdict = verdict_in(text); !verdict.empty()) {
            verifier_verdict = std::move(verdict);
        }
        libbpf_complaint = std::move(text);
    }
    return 0;
}

} // namespace

void listen_to_libbpf() {
    libbpf_set_print(collect_complaint);
}

void forget_libbpf_complaints() {
    libbpf_complaint.clear();
    verifier_verdict.clear();
}

std::string why_libbpf_failed(int error) {
    if (!verifier_verdict.empty()) { // its EACCES is about the program, not about rights
        return "the kernel's verifier refused it: " + verifier_verdict;
    }
    switch (error) {
    case EPERM:
    case EACCES:
        return "needs root, or CAP_BPF and CAP_PERFMON; kernel lockdown, a seccomp profile or a container without them "
               "also refuse it";
    case ENOMEM:
        return "not enough memory in this cgroup for the ring and the watch slots; lower ring.size or watch.capacity";
    default:
        return libbpf_complaint.empty() ? "the kernel's verifier refused it" : libbpf_complaint;
    }
}

} // namespace knell
