#pragma once

// Private to probe/.

#include <string>

namespace knell {

// Catches what libbpf would print, for error messages. The callback is the process's, what it keeps the thread's.
void listen_to_libbpf();

// Before each attempt: what was said of an earlier one explains nothing.
void forget_libbpf_complaints();

// Why loading or attaching failed with this errno (positive), and the next step: the verifier's verdict if it gave one.
std::string why_libbpf_failed(int error);

} // namespace knell
