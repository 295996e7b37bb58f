#pragma once

#include "agent/pidfd/features.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace knell::test {

// The library as it behaves on kernels of several ages: the newest is the one that runs, the others forgo what it has
// learned since. So the older ways are tested on every machine.
struct KernelAge {
    const char* name;
    // Everything from this feature on (in the order of the releases) is forgone; kPidfdFeatureCount: nothing.
    std::size_t forgone_from;
};

inline std::ostream& operator<<(std::ostream& out, const KernelAge& age) {
    return out << age.name;
}

inline constexpr KernelAge kNewest{"newest", kPidfdFeatureCount};
inline constexpr KernelAge kBeforeExitInfo{"before_6_15", static_cast<std::size_t>(PidfdFeature::exit_info)};
inline constexpr KernelAge kBeforeInfo{"before_6_13", static_cast<std::size_t>(PidfdFeature::info)};
inline constexpr KernelAge kBeforeNamespaceIoctls{"before_6_11",
                                                  static_cast<std::size_t>(PidfdFeature::namespace_ioctls)};
inline constexpr KernelAge kBeforePidfs{"before_6_9", static_cast<std::size_t>(PidfdFeature::pidfs)};
inline constexpr KernelAge kOldest{"before_6_5", 0};

// TEST_P(...) on each age: INSTANTIATE_TEST_SUITE_P(Kernels, MyTest, kEveryAge, age_name);
class OnKernelAge : public testing::TestWithParam<KernelAge> {
  protected:
    void SetUp() override {
        PidfdFeatures forgone;
        for (std::size_t feature = GetParam().forgone_from; feature < kPidfdFeatureCount; ++feature) {
            forgone.set(feature);
        }
        forgo(forgone);
    }
    void TearDown() override { forgo({}); }
};

inline const auto kEveryAge =
    testing::Values(kNewest, kBeforeExitInfo, kBeforeInfo, kBeforeNamespaceIoctls, kBeforePidfs, kOldest);

inline std::string age_name(const testing::TestParamInfo<KernelAge>& info) {
    return info.param.name;
}

} // namespace knell::test
