#include "agent/probe/trampoline.hpp"

#include "agent/base/fd.hpp"
#include "agent/probe/libbpf_log.hpp"

#include <bpf/bpf.h>

#include <cerrno>
#include <iterator>

namespace knell {
namespace {

Failure refusal(const char* tried, int error) {
    return system_failure(tried, error,
                          error == EPERM ? "needs CAP_BPF and CAP_PERFMON; a locked-down kernel refuses root too"
                                         : why_libbpf_failed(error));
}

} // namespace

Result<> try_trampoline(const KernelBtf& btf, Trampoline kind, const std::string& function) {
    const bool security = kind == Trampoline::security_hook;
    const auto id = btf.function_id(security ? "bpf_lsm_" + function : function);
    if (!id) {
        return failure(security ? "this kernel has no BPF security hooks (CONFIG_BPF_LSM)"
                                : "this kernel has no such function to attach to");
    }
    const bpf_insn nothing[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = 0},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
    };
    bpf_prog_load_opts options{};
    options.sz = sizeof(options);
    options.expected_attach_type = security ? BPF_LSM_MAC : BPF_TRACE_FEXIT;
    options.attach_btf_id = *id;
    forget_libbpf_complaints();
    const Fd program(::bpf_prog_load(security ? BPF_PROG_TYPE_LSM : BPF_PROG_TYPE_TRACING, "knell_try", "GPL", nothing,
                                     std::size(nothing), &options));
    if (!program) {
        return refusal("loading a program for it", errno);
    }
    const Fd link(::bpf_raw_tracepoint_open(nullptr, program.get()));
    if (!link) {
        return refusal("attaching to it", errno);
    }
    return {};
}

} // namespace knell
