#pragma once

#include "tests/bpf/observer_under_test.hpp"

#include <gtest/gtest.h>

namespace knell::test {

// A test that loads the programs: skips where that cannot be, before anything is set up.
class BpfTest : public testing::Test {
  protected:
    BpfTest() { skip_where_it_cannot_be(); }

  private:
    // Not in the constructor itself: GTEST_SKIP returns a value.
    static void skip_where_it_cannot_be() {
        if (const auto why = why_not_here()) {
            GTEST_SKIP() << *why;
        }
    }
};

template <typename Parameter>
class BpfTestWithParam : public BpfTest, public testing::WithParamInterface<Parameter> {};

} // namespace knell::test
