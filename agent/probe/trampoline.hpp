#pragma once

// Private to probe/.

#include "agent/base/result.hpp"
#include "agent/probe/kernel_btf.hpp"

#include <string>

namespace knell {

// Programs that the kernel calls by a trampoline patched into a function. Locked-down kernels refuse them all, and a
// function may be inlined: found out by attaching a program that does nothing, for an instant.
enum class Trampoline { at_exit, security_hook };

// `function`: for a security hook its name alone, "file_open". The failure tells why not.
Result<> try_trampoline(const KernelBtf& btf, Trampoline kind, const std::string& function);

} // namespace knell
