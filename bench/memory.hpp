#pragma once

#include <cstdint>
#include <string>

namespace knell::bench {

// The number of a line "Name:   123 kB" in a file of /proc; 0 = no such line.
std::uint64_t proc_number(const std::string& path, const std::string& name);

struct Memory {
    double own_bytes = 0;    // of this process, files apart
    double kernel_bytes = 0; // the kernel's objects, of the whole machine: others change it too
};

Memory memory_now();

} // namespace knell::bench
