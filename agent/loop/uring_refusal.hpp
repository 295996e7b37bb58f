#pragma once

#include <string>
#include <string_view>

namespace knell {

// The likely cause and the next step when the kernel refuses io_uring with `errno_value`. `disabled` is the content of
// /proc/sys/kernel/io_uring_disabled, empty where the kernel has no such switch (before 6.6).
std::string_view explain_uring_refusal(int errno_value, std::string_view disabled);

// The switch as it stands on this node.
std::string read_uring_disabled();

} // namespace knell
