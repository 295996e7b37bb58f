#pragma once

#include "agent/probe/slots.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace knell::test {

// Slots in plain memory that no kernel writes to: the test does.
class FakeSlots final : public Slots {
  public:
    explicit FakeSlots(std::size_t count) : memory(count) {}

    std::vector<knell_slot> memory;
    std::vector<std::uint32_t> tagged; // slots, in order
    std::size_t untagged = 0;
    int refuse_with = 0; // errno of the next tags; 0 = they succeed
    std::function<void(std::uint32_t slot)> on_tag = [](std::uint32_t) {};

    // As the kernel does when the tagged process ends.
    void write(std::size_t slot, std::uint64_t exit_ns, std::uint64_t notify_ns) {
        memory.at(slot).exit_ns = exit_ns;
        memory.at(slot).notify_ns = notify_ns;
    }

    [[nodiscard]] std::span<knell_slot> slots() override { return memory; }
    Result<> tag(int pidfd, std::uint32_t slot) override;
    void untag(int pidfd) override;
};

// The process as a record of the kernel describes it.
knell_process describe(pid_t pid);

} // namespace knell::test
