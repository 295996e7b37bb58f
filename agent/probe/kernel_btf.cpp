#include "agent/probe/kernel_btf.hpp"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <span>
#include <string_view>

namespace knell {
namespace {

// Also one of an anonymous struct or union within.
bool has_member(const btf* types, std::uint32_t id, std::string_view name) {
    const btf_type* type = btf__type_by_id(types, id);
    if (!btf_is_composite(type)) {
        return false;
    }
    for (const btf_member& member : std::span(btf_members(type), btf_vlen(type))) {
        const std::string_view its_name = btf__name_by_offset(types, member.name_off);
        if (its_name == name || (its_name.empty() && has_member(types, member.type, name))) {
            return true;
        }
    }
    return false;
}

} // namespace

void KernelBtf::Free::operator()(btf* types) const {
    btf__free(types);
}

Result<KernelBtf> KernelBtf::load() {
    btf* types = btf__load_vmlinux_btf();
    if (types == nullptr) {
        return system_failure("reading the kernel's type information (/sys/kernel/btf/vmlinux)", errno,
                              "the kernel needs CONFIG_DEBUG_INFO_BTF=y and /sys must be mounted");
    }
    return KernelBtf(types);
}

// The kernel describes tracepoint X by a typedef btf_trace_X: pointer to function (void* data, arguments...).
const btf_type* KernelBtf::prototype(const std::string& tracepoint) const {
    const int id = btf__find_by_name_kind(types_.get(), ("btf_trace_" + tracepoint).c_str(), BTF_KIND_TYPEDEF);
    if (id < 0) {
        return nullptr;
    }
    const btf_type* type = btf__type_by_id(types_.get(), static_cast<unsigned>(id));
    type = btf__type_by_id(types_.get(), type->type);
    if (!btf_is_ptr(type)) {
        return nullptr;
    }
    type = btf__type_by_id(types_.get(), type->type);
    return btf_is_func_proto(type) ? type : nullptr;
}

std::optional<int> KernelBtf::tracepoint_arguments(const std::string& tracepoint) const {
    const btf_type* function = prototype(tracepoint);
    if (function == nullptr) {
        return std::nullopt;
    }
    return btf_vlen(function) - 1;
}

std::optional<std::uint32_t> KernelBtf::function_id(const std::string& function) const {
    const int id = btf__find_by_name_kind(types_.get(), function.c_str(), BTF_KIND_FUNC);
    return id < 0 ? std::nullopt : std::optional(static_cast<std::uint32_t>(id));
}

bool KernelBtf::has_pidfs() const {
    const int id = btf__find_by_name_kind(types_.get(), "pid", BTF_KIND_STRUCT);
    return id >= 0 && has_member(types_.get(), static_cast<std::uint32_t>(id), "ino");
}

} // namespace knell
