#include "agent/attribution/bounded_cache.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace knell {
namespace {

using Cache = BoundedCache<int, std::string, std::hash<int>, std::equal_to<>>;

bool holds(Cache& cache, int key) {
    const std::string* value = cache.find(key);
    EXPECT_TRUE(value == nullptr || *value == std::to_string(key));
    return value != nullptr;
}

void add(Cache& cache, int key) {
    cache.insert(key, std::to_string(key));
}

TEST(BoundedCache, FindsWhatWasInserted) {
    Cache cache(8);
    EXPECT_FALSE(holds(cache, 1));
    add(cache, 1);
    add(cache, 2);
    EXPECT_TRUE(holds(cache, 1));
    EXPECT_TRUE(holds(cache, 2));
    EXPECT_FALSE(holds(cache, 3));
}

TEST(BoundedCache, NeverHoldsMoreThanItsCapacity) {
    Cache cache(100);
    for (int key = 0; key < 10'000; ++key) {
        add(cache, key);
        ASSERT_LE(cache.size(), 100U);
        ASSERT_TRUE(holds(cache, key)); // the newest is there
    }
    int held = 0;
    for (int key = 0; key < 10'000; ++key) {
        held += holds(cache, key) ? 1 : 0;
    }
    EXPECT_EQ(held, 100);
}

TEST(BoundedCache, TheOldestGoesFirst) {
    Cache cache(3);
    for (const int key : {1, 2, 3, 4}) {
        add(cache, key);
    }
    EXPECT_FALSE(holds(cache, 1));
    EXPECT_TRUE(holds(cache, 2));
    EXPECT_TRUE(holds(cache, 3));
    EXPECT_TRUE(holds(cache, 4));
}

TEST(BoundedCache, WhatIsAskedForStays) {
    Cache cache(3);
    add(cache, 0);
    for (int key = 1; key < 100; ++key) {
        ASSERT_TRUE(holds(cache, 0)) << key;
        add(cache, key);
    }
}

TEST(BoundedCache, EveryEntryAskedForStillMakesRoom) {
    Cache cache(3);
    for (const int key : {1, 2, 3}) {
        add(cache, key);
    }
    for (const int key : {1, 2, 3}) {
        ASSERT_TRUE(holds(cache, key));
    }
    add(cache, 4);
    EXPECT_TRUE(holds(cache, 4));
    EXPECT_EQ(cache.size(), 3U);
}

TEST(BoundedCache, OneEntryIsEnough) {
    Cache cache(1);
    for (int key = 0; key < 10; ++key) {
        add(cache, key);
        EXPECT_TRUE(holds(cache, key));
        EXPECT_EQ(cache.size(), 1U);
    }
}

} // namespace
} // namespace knell
