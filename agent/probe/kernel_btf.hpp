#pragma once

#include "agent/base/result.hpp"

#include <cstdint>
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

    // Where programs for the function's entry and exit attach: its type id. nullopt: this kernel has no such function,
    // or inlined it, or changed its arguments.
    [[nodiscard]] std::optional<std::uint32_t> function_id(const std::string& function) const;

    // Whether pidfds have a file system of their own (6.9): struct pid has an inode number.
    [[nodiscard]] bool has_pidfs() const;

  private:
    struct Free {
        void operator()(btf* types) const;
    };
    explicit KernelBtf(btf* types) : types_(types) {}
    [[nodiscard]] const btf_type* prototype(const std::string& tracepoint) const;

    std::unique_ptr<btf, Free> types_;
};

} // namespace knell
