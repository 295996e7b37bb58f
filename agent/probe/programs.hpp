#pragma once

// Private to probe/: the skeleton and what is done with it.

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"
#include "agent/probe/hooks.hpp"
#include "agent/probe/kernel_btf.hpp"
#include "agent/probe/probe.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "knell_bpf.skel.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
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

    // The name under which programs and maps of this build, set up like this on this kernel, are pinned:
    // "<contract>-<all the rest>". Within one contract (bpf/events.h), records can be read and counted whichever
    // programs wrote them.
    [[nodiscard]] const std::string& pin_name() const { return pin_name_; }
    static bool shares_contract(std::string_view pin_name);
    // Pins what is attached, and its maps, in an empty directory of a bpffs. They outlive this process then.
    [[nodiscard]] Result<> pin(const std::string& directory);
    void unpinned() { pinned_ = false; }
    // Instead of load() and attach(): takes over what another process pinned under this name.
    Result<> adopt(const std::string& directory, const ProbeOptions& options);
    // Whether it was loaded here or taken over; borrowed.
    [[nodiscard]] int fd_of(const bpf_program* program) const;

    // Those of the hook in use; empty: there is none, or it needs none.
    [[nodiscard]] std::vector<bpf_program*> programs_of(const HookChoice& choice) const;

    knell_bpf* skeleton = nullptr;
    std::vector<HookChoice> choices;

  private:
    struct DestroyLink {
        void operator()(bpf_link* link) const { (void)bpf_link__destroy(link); }
    };
    struct Attached {
        const bpf_program* program;
        std::unique_ptr<bpf_link, DestroyLink> link;
    };

    static std::string name_pins(const knell_knobs& knobs, const ProbeOptions& options);
    // Opens the object afresh with the programs of these. Nothing is loaded yet.
    Result<> open(const std::vector<const HookChoice*>& wanted, const ProbeOptions& options);
    Result<> load(const std::vector<const HookChoice*>& wanted, const ProbeOptions& options);
    [[nodiscard]] Result<std::vector<Attached>> attach(const Hook& hook,
                                                       const std::vector<bpf_program*>& programs) const;
    Result<> reuse_maps(const std::string& directory);

    std::string pin_name_;
    std::vector<Attached> links_;
    bool pinned_ = false;                            // they go on without us
    std::map<std::string, Fd, std::less<>> adopted_; // by the program's name
};

} // namespace knell
