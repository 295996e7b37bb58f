#pragma once

#include "agent/base/result.hpp"
#include "agent/probe/options.hpp"
#include "agent/probe/pin_directory.hpp"
#include "agent/probe/predecessor.hpp"
#include "agent/probe/report.hpp"
#include "agent/probe/ring.hpp"
#include "agent/probe/slots.hpp"
#include "agent/probe/spill.hpp"

#include "bpf/events.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace knell {

// The loaded and attached BPF programs, and the memory shared with them. Destroying it detaches what is not pinned.
// Methods are for the loop thread unless they say otherwise.
class Probe final : public Slots {
  public:
    // Loads what this kernel can run and attaches it. Fails when exits cannot be observed; anything less is in
    // features(). The error says why: no BTF, no capability, locked down.
    // With `pins`, what is attached outlives this process: what an agent of the same build and set-up left there is
    // taken over, with all that was recorded since. Where that cannot be, it is started afresh, and features() says
    // why.
    static Result<std::unique_ptr<Probe>> load(const ProbeOptions& options, std::optional<PinDirectory> pins = {});
    ~Probe() override;
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;

    [[nodiscard]] const std::vector<Feature>& features() const { return features_; }
    // Whether the senders of fatal signals are known.
    [[nodiscard]] bool observes_signals() const { return observes_signals_; }
    // Whether KernelCounts::pidfds says anything.
    [[nodiscard]] bool observes_pidfds() const { return observes_pidfds_; }

    [[nodiscard]] Ring& ring() { return *ring_; }
    [[nodiscard]] const Ring& ring() const { return *ring_; }
    // Becomes readable when a producer wakes the consumer; borrowed.
    [[nodiscard]] int ring_fd() const;
    [[nodiscard]] knell_control& control() { return *control_; }
    // Exits that the ring had no room for.
    [[nodiscard]] Spill& spill() { return *spill_; }
    // Whether it was left by an earlier agent, with all that happened since.
    [[nodiscard]] bool took_over() const { return adopted_; }
    // What agents of other builds and set-ups left behind, until drop_predecessors(): it has been read then.
    [[nodiscard]] std::vector<Predecessor>& predecessors() { return predecessors_; }
    Result<> drop_predecessors();
    // Nothing outlives this object.
    Result<> unpin();
    [[nodiscard]] std::span<knell_slot> slots() override { return slots_; }
    Result<> tag(int pidfd, std::uint32_t slot) override;
    void untag(int pidfd) override;

    // Any thread.
    [[nodiscard]] KernelCounts counts() const;
    [[nodiscard]] std::vector<ProgramStats> program_stats() const;
    // One file of /proc for each map. What cannot be read is left out.
    [[nodiscard]] std::vector<MapMemory> map_memory() const;

  private:
    struct Programs; // owns the skeleton
    explicit Probe(std::unique_ptr<Programs> programs);
    Result<> map_shared_memory(const ProbeOptions& options);
    void describe_features(const ProbeOptions& options);
    Result<> start_afresh(const ProbeOptions& options);
    Result<> adopt(const ProbeOptions& options, PinDirectory& pins);
    void keep(PinDirectory pins, const std::string& why_afresh);
    Result<> pin();
    std::vector<std::string> stop_predecessors();

    std::unique_ptr<Programs> programs_;
    std::vector<Feature> features_;
    bool observes_signals_ = false;
    bool observes_pidfds_ = false;
    std::unique_ptr<Ring> ring_;
    knell_control* control_ = nullptr;
    std::optional<Spill> spill_; // from load() on
    std::span<knell_slot> slots_;
    std::optional<PinDirectory> pins_;
    bool adopted_ = false;
    std::vector<Predecessor> predecessors_;
};

} // namespace knell
