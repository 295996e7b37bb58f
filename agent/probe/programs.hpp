#pragma once

// Private to probe/: the skeleton and what is done with it.

#include "agent/base/result.hpp"
#include "agent/probe/hooks.hpp"
#include "agent/probe/kernel_btf.hpp"
#include "agent/probe/probe.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "knell_bpf.skel.h"

#include <memory>
#include <string>
#include <vector>

namespace knell {

struct Probe::Programs {
    Programs(const KernelBtf& btf, const ProbeOptions& options);
    ~Programs();
    Programs(const Programs&) = delete;
    Programs& operator=(const Programs&) = delete;

    // Loads the programs of the hooks that this kernel has; where it refuses one, the next hook of the same feature.
    Result<> load(const ProbeOptions& options);
    // Attaches; an optional program that fails is given up with its reason.
    Result<> attach();

    // Those of the hook in use; empty: there is none, or it needs none.
    [[nodiscard]] std::vector<bpf_program*> programs_of(const HookChoice& choice) const;

    knell_bpf* skeleton = nullptr;
    std::vector<HookChoice> choices;

  private:
    struct DestroyLink {
        void operator()(bpf_link* link) const { (void)bpf_link__destroy(link); }
    };
    using Link = std::unique_ptr<bpf_link, DestroyLink>;

    // Opens the object afresh with the programs of these. Nothing is loaded yet.
    Result<> open(const std::vector<const HookChoice*>& wanted, const ProbeOptions& options);
    Result<> load(const std::vector<const HookChoice*>& wanted, const ProbeOptions& options);
    [[nodiscard]] Result<std::vector<Link>> attach(const Hook& hook, const std::vector<bpf_program*>& programs) const;

    std::vector<Link> links_;
};

} // namespace knell
