#pragma once

#include "agent/base/result.hpp"

#include <memory>
#include <optional>
#include <string>

struct btf;
struct btf_type;

namespace knell {

// The running kernel's type information, asked before a program is chosen: prototypes differ by version and are
// backported, so a version number proves nothing.
class KernelBtf {
  public:
    // ENOENT: the kernel was built without CONFIG_DEBUG_INFO_BTF, or /sys is not mounted.
    static Result<KernelBtf> load();

    // How many arguments the tracepoint hands to a tp_btf program; nullopt: this kernel has no such tracepoint.
    [[nodiscard]] std::optional<int> tracepoint_arguments(const std::string& tracepoint) const;

    // Whether the tracepoint's first argument is a pointer.
    [[nodiscard]] bool tracepoint_starts_with_pointer(const std::string& tracepoint) const;

  private:
    struct Free {
        void operator()(btf* types) const;
    };
    explicit KernelBtf(btf* types) : types_(types) {}
    [[nodiscard]] const btf_type* prototype(const std::string& tracepoint) const;

    std::unique_ptr<btf, Free> types_;
};

} // namespace knell
