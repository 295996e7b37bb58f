#pragma once

// Private to probe/.

#include "agent/base/result.hpp"
#include "agent/probe/kernel_btf.hpp"
#include "agent/probe/probe.hpp"

#include "bpf/events.h"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace knell {

// A place where the kernel can be observed, and what of the BPF object does it.
struct Hook {
    std::string name;                       // "fexit/pidfs_alloc_file"
    std::vector<std::string> programs;      // by their names in bpf/; attached together
    std::function<Result<>()> probe;        // whether this kernel has it and lets us attach
    std::function<void(knell_knobs&)> tell; // what the programs must know when this hook is used; may be empty
};

// What the agent wants to observe, and the hooks for it, the best first.
struct Observable {
    std::string feature;
    bool required = false; // the agent is blind without
    std::vector<Hook> hooks;
};

// `btf` outlives what is returned.
std::vector<Observable> observables(const KernelBtf& btf, const ProbeOptions& options);

// Which of its hooks an observable uses.
class HookChoice {
  public:
    // Takes the best hook that the kernel has.
    explicit HookChoice(Observable observable);

    [[nodiscard]] const std::string& feature() const { return observable_.feature; }
    [[nodiscard]] bool required() const { return observable_.required; }
    [[nodiscard]] const Hook* hook() const; // nullptr: none is left
    // The one in use does not work after all: takes the next one.
    void refuse(const std::string& why);
    // The same, and it is too late for another.
    void give_up(const std::string& why);
    // Why each better hook is not in use.
    [[nodiscard]] std::string refusals() const;

  private:
    void note(const std::string& why);
    void skip_absent();

    Observable observable_;
    std::size_t current_ = 0;
    struct Refusal {
        std::string hooks; // those that were refused alike
        std::string why;
    };
    std::vector<Refusal> refusals_;
};

} // namespace knell
