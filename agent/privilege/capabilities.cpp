#include "agent/privilege/capabilities.hpp"

#include <linux/bpf.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <type_traits>

namespace knell {
namespace {

struct Use {
    cap_value_t number;
    std::string_view name;
    std::string_view purpose;
};

constexpr std::array kUses{
    Use{CAP_BPF, "cap_bpf", "loading BPF programs and maps"},
    Use{CAP_PERFMON, "cap_perfmon", "BPF programs that read what the kernel knows of a process"},
    Use{CAP_DAC_READ_SEARCH, "cap_dac_read_search", "containers and units: opening cgroups by their ids"},
    Use{CAP_SYSLOG, "cap_syslog", "addresses of kernel functions: OOM scopes where BPF trampolines are refused"},
    Use{CAP_SYS_PTRACE, "cap_sys_ptrace", "without BPF the status of zombies; processes that a hidepid /proc hides"},
};

struct FreeCapabilities {
    void operator()(cap_t state) const { (void)::cap_free(state); }
};
using Capabilities = std::unique_ptr<std::remove_pointer_t<cap_t>, FreeCapabilities>;

bool has(const Capabilities& state, cap_value_t which, cap_flag_t set) {
    cap_flag_value_t value = CAP_CLEAR;
    return ::cap_get_flag(state.get(), which, set, &value) == 0 && value == CAP_SET;
}

bool raise(const Capabilities& state, cap_flag_t set, cap_value_t which) {
    return ::cap_set_flag(state.get(), set, 1, &which, CAP_SET) == 0;
}

// Linux 5.19 asks for CAP_BPF when maps and programs are made, those before it at every call. A call with a wrong
// descriptor tells which: the capability is asked for first.
bool every_bpf_call_needs_capability() {
    bpf_attr no_map{};
    no_map.map_fd = static_cast<std::uint32_t>(-1);
    return ::syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &no_map, sizeof no_map) != 0 && errno == EPERM;
}

// Takes CAP_SETPCAP, so it comes before that is dropped.
Result<> empty_bounding_set() {
    for (cap_value_t which = 0; which < ::cap_max_bits(); ++which) {
        if (::cap_get_bound(which) == CAP_SET && ::cap_drop_bound(which) != 0) {
            return system_failure("dropping capabilities from the bounding set", errno);
        }
    }
    return {};
}

Failure refused() {
    return system_failure("dropping capabilities", errno);
}

} // namespace

std::vector<CapabilityUse> capability_uses() {
    const Capabilities now(::cap_get_proc());
    std::vector<CapabilityUse> uses;
    uses.reserve(kUses.size());
    for (const Use& use : kUses) {
        uses.push_back({use.name, use.purpose, now && has(now, use.number, CAP_EFFECTIVE)});
    }
    return uses;
}

Result<std::vector<std::string_view>> drop_capabilities(const RunningNeeds& needs) {
    const Capabilities before(::cap_get_proc());
    const Capabilities kept(::cap_init());
    if (!before || !kept) {
        return refused();
    }
    if (has(before, CAP_SETPCAP, CAP_EFFECTIVE)) {
        if (auto emptied = empty_bounding_set(); !emptied) {
            return std::unexpected(std::move(emptied.error()));
        }
    }
    std::vector<std::string_view> names;
    for (const Use& use : kUses) {
        const bool needed = use.number == CAP_DAC_READ_SEARCH || use.number == CAP_BPF ||
                            (use.number == CAP_SYS_PTRACE && needs.guarded_proc);
        if (!needed || !has(before, use.number, CAP_PERMITTED)) {
            continue;
        }
        // CAP_BPF stays in reach for as long as it takes to find out whether we can do without.
        if (!raise(kept, CAP_PERMITTED, use.number) ||
            (use.number != CAP_BPF && !raise(kept, CAP_EFFECTIVE, use.number))) {
            return refused();
        }
        if (use.number != CAP_BPF) {
            names.push_back(use.name);
        }
    }
    if (::cap_set_proc(kept.get()) != 0) {
        return refused();
    }
    if (!has(kept, CAP_BPF, CAP_PERMITTED)) {
        return names;
    }
    const cap_value_t bpf = CAP_BPF;
    if (every_bpf_call_needs_capability()) {
        names.emplace_back("cap_bpf");
        (void)::cap_set_flag(kept.get(), CAP_EFFECTIVE, 1, &bpf, CAP_SET);
    } else {
        (void)::cap_set_flag(kept.get(), CAP_PERMITTED, 1, &bpf, CAP_CLEAR);
    }
    if (::cap_set_proc(kept.get()) != 0) {
        return refused();
    }
    return names;
}

Result<> forbid_new_privileges() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return system_failure("prctl(PR_SET_NO_NEW_PRIVS)", errno);
    }
    return {};
}

} // namespace knell
