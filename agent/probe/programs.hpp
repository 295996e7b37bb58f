#pragma once

// Private to probe/: the skeleton and what is done with it.

#include "agent/base/result.hpp"
#include "agent/probe/kernel_btf.hpp"
#include "agent/probe/probe.hpp"

#include "bpf/events.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "knell_bpf.skel.h"

#include <string>
#include <vector>

namespace knell {

// One program, where it goes, and what is lost without it.
struct ProgramChoice {
    std::string feature;
    std::string tracepoint;
    std::string arguments;          // where variants differ: "(task, group_dead)"
    bpf_program* program = nullptr; // nullptr: this kernel offers no hook for it, or refused it
    bpf_link** link = nullptr;
    bool required = false;
    std::string why_not;

    [[nodiscard]] std::string hook() const { return "tp_btf/" + tracepoint + arguments; }
};

struct Probe::Programs {
    Programs() = default;
    ~Programs() { knell_bpf::destroy(skeleton); }
    Programs(const Programs&) = delete;
    Programs& operator=(const Programs&) = delete;

    // Opens the object and decides which programs this kernel is given. Nothing is loaded yet.
    Result<> open(const KernelBtf& btf, const ProbeOptions& options);
    // Loads, dropping optional programs that the kernel refuses.
    Result<> load(const KernelBtf& btf, const ProbeOptions& options);
    // Attaches; an optional program that fails is given up with its reason.
    Result<> attach();

    knell_bpf* skeleton = nullptr;
    std::vector<ProgramChoice> choices;
};

} // namespace knell
