#pragma once

#include "agent/probe/ring.hpp"

#include "bpf/events.h"

#include <bpf/libbpf.h>

#include "knell_bpf.skel.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace knell::test {

// Some programs of the BPF object, attached by hand: those that the agent would not choose on this kernel too. Detached
// by the destructor. Failures are thrown, see must() in scene.hpp.
class LoadedPrograms {
  public:
    explicit LoadedPrograms(const std::vector<std::string>& names, const knell_knobs& knobs = {});
    LoadedPrograms(LoadedPrograms&&) = default;
    LoadedPrograms& operator=(LoadedPrograms&&) = delete;
    ~LoadedPrograms();

    // Everything that was recorded since the last call.
    void drain(const std::function<void(std::span<const std::byte>)>& handler);

  private:
    struct DestroySkeleton {
        void operator()(knell_bpf* skeleton) const { knell_bpf::destroy(skeleton); }
    };
    struct DestroyLink {
        void operator()(bpf_link* link) const { (void)bpf_link__destroy(link); }
    };

    std::unique_ptr<knell_bpf, DestroySkeleton> skeleton_;
    std::vector<std::unique_ptr<bpf_link, DestroyLink>> links_;
    std::optional<Ring> ring_;
};

} // namespace knell::test
