#pragma once

#include "agent/cause/reason.hpp"
#include "tests/bpf/acts.hpp"

#include <csignal>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace knell::test {

// Whom an event names as the killer.
enum class Blame { nobody, victim, test, helper };

// One way to die, and what knell has to say of it.
struct Row {
    std::string name;
    Act act;
    Reason reason;
    int status; // wait status
    std::optional<KillerClass> killer{};
    Blame blame = Blame::nobody;
    int preceded_by = 0;
    std::optional<OomScope> oom_scope{};
    std::vector<int> stop_signals{SIGTERM};
    std::optional<int> parent_sees{}; // wait status, where it is another one
};

inline void PrintTo(const Row& row, std::ostream* out) {
    *out << row.name;
}

// 0x80 of a wait status.
inline constexpr int kCoreDumped = 0x80;

// All that this kernel can do: a group kill by the OOM killer needs the memory controller of cgroup v2, a signal to a
// process group through a pidfd needs 6.9.
std::vector<Row> battery_rows();

} // namespace knell::test
