#pragma once

#include "agent/pidfd/kill_on_close.hpp"
#include "tests/pidfd/kernel_age.hpp"
#include "tests/pidfd/making.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

// What the tests of KillOnClose and of its guard share.
namespace knell::test {

using Scope = KillOnClose::Scope;

inline constexpr KernelAge kBeforeAutokill{"before_7_1", static_cast<std::size_t>(PidfdFeature::autokill)};
inline constexpr std::array kScopes{Scope::process, Scope::descendants};

// How long something that must not happen is waited for.
inline constexpr Nanoseconds kGlance = 50 * kMillisecond;

class KillOnCloseTest : public OnKernelAge {
  protected:
    void TearDown() override {
        EXPECT_TRUE(Orphanage::empties()) << "a process or a guard was left behind";
        OnKernelAge::TearDown();
    }

  private:
    Orphanage orphanage_; // guards are orphans: here they come to us
};

inline SpawnOptions program(std::vector<std::string> argv) {
    SpawnOptions options;
    options.argv = std::move(argv);
    return options;
}

inline KillOnClose start_job(std::vector<std::string> argv, Scope scope = Scope::process) {
    return value_of(KillOnClose::spawn(program(std::move(argv)), scope));
}

inline KillOnClose start_sleeping_job(Scope scope = Scope::process) {
    return start_job({"sleep", "600"}, scope);
}

inline bool lives(const Pidfd& process) {
    return value_of(process.poll(ProcessState::zombie, kGlance)) == ProcessState::running;
}

inline bool dies(const Pidfd& process) {
    return value_of(process.poll(ProcessState::zombie, kPatienceNs)) != ProcessState::running;
}

} // namespace knell::test
