#include "agent/probe/kernel_btf.hpp"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

namespace knell {

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

bool KernelBtf::tracepoint_starts_with_pointer(const std::string& tracepoint) const {
    const btf_type* function = prototype(tracepoint);
    if (function == nullptr || btf_vlen(function) < 2) {
        return false;
    }
    return btf_is_ptr(btf__type_by_id(types_.get(), btf_params(function)[1].type));
}

} // namespace knell
