#include "agent/probe/ring.hpp"

#include "tests/unit/probe/fake_ring.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace knell::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kBytes = 64 << 10; // a multiple of every page size in use
constexpr std::size_t kAll = 1'000'000;

TEST(Ring, EmptyGivesNothing) {
    const FakeRing kernel(kBytes);
    Ring ring = kernel.map();
    EXPECT_THAT(drain(ring, kAll), IsEmpty());
    EXPECT_EQ(ring.used_bytes(), 0U);
    EXPECT_EQ(ring.capacity_bytes(), kBytes);
}

TEST(Ring, GivesRecordsInOrderAndOnce) {
    FakeRing kernel(kBytes);
    Ring ring = kernel.map();
    kernel.put("one");
    kernel.put("two, longer than eight bytes");
    kernel.put("12345678");
    EXPECT_THAT(drain(ring, kAll), ElementsAre("one", "two, longer than eight bytes", "12345678"));
    EXPECT_THAT(drain(ring, kAll), IsEmpty());
    kernel.put("four");
    EXPECT_THAT(drain(ring, kAll), ElementsAre("four"));
}

TEST(Ring, RecordsAreAlignedToEight) {
    FakeRing kernel(kBytes);
    Ring ring = kernel.map();
    for (std::size_t size = 0; size < 40; ++size) {
        kernel.put(std::string(size, 'x'));
    }
    std::size_t expected = 0;
    ring.drain(kAll, [&](std::span<const std::byte> bytes) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % 8, 0U);
        EXPECT_EQ(bytes.size(), expected++);
    });
    EXPECT_EQ(expected, 40U);
}

TEST(Ring, DiscardedRecordsAreSkippedAndNotCounted) {
    FakeRing kernel(kBytes);
    Ring ring = kernel.map();
    kernel.discard(kernel.reserve(24));
    kernel.put("kept");
    kernel.discard(kernel.reserve(0));
    kernel.put("too");
    kernel.discard(kernel.reserve(3));
    EXPECT_EQ(ring.drain(2, [](std::span<const std::byte>) {}), 2U);
    EXPECT_THAT(drain(ring, kAll), IsEmpty());
    EXPECT_EQ(ring.used_bytes(), 0U);
}

TEST(Ring, StopsAtARecordThatIsStillBeingWritten) {
    FakeRing kernel(kBytes);
    Ring ring = kernel.map();
    kernel.put("before");
    const std::uint64_t slow = kernel.reserve(4);
    kernel.put("after");
    EXPECT_THAT(drain(ring, kAll), ElementsAre("before"));
    EXPECT_THAT(drain(ring, kAll), IsEmpty());
    EXPECT_GT(ring.used_bytes(), 0U) << "a record that is being written is in use";
    EXPECT_EQ(kernel.consumer_position(), slow) << "its place must not be given away";
    kernel.submit(slow, "slow");
    EXPECT_THAT(drain(ring, kAll), ElementsAre("slow", "after"));
}

TEST(Ring, TheLimitIsKeptAndTheRestFollows) {
    FakeRing kernel(kBytes);
    Ring ring = kernel.map();
    kernel.put_numbered(5);
    EXPECT_THAT(drain(ring, 0), IsEmpty());
    EXPECT_THAT(drain(ring, 2), ElementsAre("0", "1"));
    EXPECT_THAT(drain(ring, 2), ElementsAre("2", "3"));
    EXPECT_THAT(drain(ring, 2), ElementsAre("4"));
}

TEST(Ring, UsedBytesAndThePublishedPosition) {
    FakeRing kernel(kBytes);
    Ring ring = kernel.map();
    kernel.put("1234567");   // 8 + 8
    kernel.put("12345678");  // 8 + 8
    kernel.put("123456789"); // 8 + 16
    kernel.reserve(1);       // 8 + 8
    EXPECT_EQ(ring.used_bytes(), 72U);
    (void)drain(ring, 2);
    EXPECT_EQ(kernel.consumer_position(), 32U);
    EXPECT_EQ(ring.used_bytes(), 40U);
    (void)drain(ring, kAll);
    EXPECT_EQ(kernel.consumer_position(), 56U);
    EXPECT_EQ(ring.used_bytes(), 16U);
}

// Producers get room while a long drain is still at work.
TEST(Ring, PublishesDuringALongDrain) {
    FakeRing kernel(kBytes);
    Ring ring = kernel.map();
    constexpr std::size_t kCount = 2000;
    kernel.put_numbered(kCount);
    const std::size_t before = ring.used_bytes();
    std::size_t handled = 0;
    ring.drain(kAll, [&](std::span<const std::byte>) {
        if (++handled == kCount) {
            EXPECT_LT(ring.used_bytes(), before / 2);
        }
    });
    EXPECT_EQ(handled, kCount);
}

// Sizes that divide nothing, so that records lie across the end of the data at every offset.
TEST(Ring, WrapsAround) {
    FakeRing kernel(kBytes);
    Ring ring = kernel.map();
    std::size_t number = 0;
    while (kernel.producer_position() < 5 * kBytes) {
        std::vector<std::string> expected;
        for (std::size_t i = 0; i < 50; ++i, ++number) {
            expected.push_back(std::to_string(number) +
                               std::string(number % 301, static_cast<char>('a' + number % 26)));
            kernel.put(expected.back());
        }
        ASSERT_EQ(drain(ring, kAll), expected) << "up to record " << number;
    }
    EXPECT_EQ(ring.used_bytes(), 0U);
}

TEST(Ring, FullToTheLastByte) {
    FakeRing kernel(kBytes);
    Ring ring = kernel.map();
    kernel.put("shifts what follows");
    (void)drain(ring, kAll);
    const std::string largest(kBytes - 8, 'x');
    kernel.put(largest);
    EXPECT_EQ(ring.used_bytes(), kBytes);
    EXPECT_THAT(drain(ring, kAll), ElementsAre(largest));
}

TEST(Ring, ANewConsumerContinuesWhereTheLastOneStopped) {
    FakeRing kernel(kBytes);
    kernel.put_numbered(3);
    {
        Ring first = kernel.map();
        EXPECT_THAT(drain(first, 1), ElementsAre("0"));
    }
    Ring second = kernel.map();
    Ring moved = std::move(second);
    EXPECT_THAT(drain(moved, kAll), ElementsAre("1", "2"));
}

TEST(Ring, WhatCannotBeMappedIsAnError) {
    const auto ring = Ring::map(-1, kBytes);
    ASSERT_FALSE(ring);
    EXPECT_EQ(ring.error().errno_value, EBADF);
}

// More than what is mapped of it at a time, several times around.
TEST(Ring, AWindowOfALargeRingMovesAlong) {
    constexpr std::size_t kLarge = 4 << 20;
    constexpr int kRounds = 10;
    FakeRing kernel(kLarge);
    Ring ring = kernel.map();
    int number = 0;
    for (int round = 0; round < kRounds; ++round) {
        const int first = number;
        while (kernel.producer_position() - kernel.consumer_position() < kLarge / 8 * 7) {
            kernel.put(std::to_string(number) + std::string(static_cast<std::size_t>(number % 4000), 'x'));
            ++number;
        }
        int next = first;
        EXPECT_EQ(ring.drain(kAll,
                             [&](std::span<const std::byte> bytes) {
                                 const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                                 EXPECT_EQ(text.substr(0, text.find('x')), std::to_string(next));
                                 EXPECT_EQ(text.size(),
                                           std::to_string(next).size() + static_cast<std::size_t>(next % 4000));
                                 ++next;
                             }),
                  static_cast<std::size_t>(number - first));
        EXPECT_EQ(next, number);
        EXPECT_EQ(ring.used_bytes(), 0U);
    }
}

} // namespace
} // namespace knell::test
