#include "agent/watch/delay_queue.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace knell {
namespace {

using Ticket = DelayQueue::Ticket;

knell_process process(std::uint32_t pid) {
    knell_process process{};
    process.pid = pid;
    return process;
}

// Pids 1, 2, 3 ..., due at 10, 20, 30 ...
std::vector<Ticket> push(DelayQueue& queue, std::uint32_t count) {
    std::vector<Ticket> tickets;
    for (std::uint32_t pid = 1; pid <= count; ++pid) {
        tickets.push_back(queue.push(process(pid), 10 * pid));
    }
    return tickets;
}

std::vector<std::uint32_t> take_all(DelayQueue& queue, Instant now) {
    std::vector<std::uint32_t> pids;
    while (const auto taken = queue.take_due(now)) {
        pids.push_back(taken->pid);
    }
    return pids;
}

TEST(DelayQueue, EmptyHasNothing) {
    DelayQueue queue;
    EXPECT_EQ(queue.waiting(), 0U);
    EXPECT_EQ(queue.next_due(), std::nullopt);
    EXPECT_FALSE(queue.take_due(~0ULL));
    EXPECT_EQ(queue.find(0), nullptr);
    queue.strike_out(0);
    EXPECT_EQ(queue.waiting(), 0U);
}

TEST(DelayQueue, InOrderOfBirthWhenTheirTimeHasCome) {
    DelayQueue queue;
    push(queue, 4);
    EXPECT_EQ(queue.next_due(), 10U);
    EXPECT_EQ(take_all(queue, 9), (std::vector<std::uint32_t>{}));
    EXPECT_EQ(take_all(queue, 20), (std::vector<std::uint32_t>{1, 2}));
    EXPECT_EQ(queue.waiting(), 2U);
    EXPECT_EQ(queue.next_due(), 30U);
    EXPECT_EQ(take_all(queue, 1000), (std::vector<std::uint32_t>{3, 4}));
    EXPECT_EQ(queue.next_due(), std::nullopt);
}

TEST(DelayQueue, StruckOutInFrontInTheMiddleAndAtTheBack) {
    struct Row {
        std::vector<std::size_t> struck_out; // indices
        std::vector<std::uint32_t> left;
        std::optional<Instant> next_due;
    };
    for (const Row& row : {Row{{0}, {2, 3, 4}, 20}, Row{{1}, {1, 3, 4}, 10}, Row{{3}, {1, 2, 3}, 10},
                           Row{{0, 1}, {3, 4}, 30}, Row{{1, 0}, {3, 4}, 30}, Row{{2, 1, 0}, {4}, 40},
                           Row{{3, 2, 1, 0}, {}, std::nullopt}, Row{{1, 1, 1}, {1, 3, 4}, 10}}) {
        DelayQueue queue;
        const auto tickets = push(queue, 4);
        for (const std::size_t index : row.struck_out) {
            queue.strike_out(tickets[index]);
            EXPECT_EQ(queue.find(tickets[index]), nullptr);
        }
        EXPECT_EQ(queue.waiting(), row.left.size());
        EXPECT_EQ(queue.next_due(), row.next_due) << "nobody wakes up for the dead";
        EXPECT_EQ(take_all(queue, 1000), row.left);
        EXPECT_EQ(queue.waiting(), 0U);
    }
}

TEST(DelayQueue, TicketsStayValid) {
    DelayQueue queue;
    const auto tickets = push(queue, 4);
    ASSERT_TRUE(queue.take_due(10));
    queue.strike_out(tickets[2]);
    const Ticket late = queue.push(process(5), 50);
    ASSERT_NE(queue.find(tickets[1]), nullptr);
    EXPECT_EQ(queue.find(tickets[1])->pid, 2U);
    EXPECT_EQ(queue.find(tickets[3])->pid, 4U);
    EXPECT_EQ(queue.find(late)->pid, 5U);
    EXPECT_EQ(queue.find(tickets[0]), nullptr) << "taken";
    EXPECT_EQ(queue.find(tickets[2]), nullptr) << "struck out";
    EXPECT_EQ(queue.find(late + 1), nullptr) << "never given";
    queue.strike_out(tickets[0]);
    EXPECT_EQ(queue.waiting(), 3U) << "taken before: no effect";
}

TEST(DelayQueue, FindBringsUpToDate) {
    DelayQueue queue;
    const Ticket ticket = queue.push(process(1), 10);
    queue.find(ticket)->uid = 7;
    EXPECT_EQ(queue.take_due(10)->uid, 7U);
}

// Also when the queue was empty in between: a ticket is never given twice.
TEST(DelayQueue, OldTicketsMeanNobody) {
    DelayQueue queue;
    const Ticket old = queue.push(process(1), 10);
    queue.strike_out(old);
    const Ticket fresh = queue.push(process(2), 20);
    EXPECT_NE(old, fresh);
    EXPECT_EQ(queue.find(old), nullptr);
    queue.strike_out(old);
    EXPECT_EQ(queue.find(fresh)->pid, 2U);
}

// A younger process may be due first when min_age was lowered: it waits for its elder.
TEST(DelayQueue, OrderIsOfBirthNotOfDue) {
    DelayQueue queue;
    queue.push(process(1), 100);
    queue.push(process(2), 50);
    EXPECT_FALSE(queue.take_due(50));
    EXPECT_EQ(take_all(queue, 100), (std::vector<std::uint32_t>{1, 2}));
}

// One long wait in front, and a storm of short lives behind it: memory is for the living.
TEST(DelayQueue, MemoryIsBoundedByThoseThatWait) {
    DelayQueue queue;
    const Ticket front = queue.push(process(1), 1'000'000);
    std::vector<Ticket> survivors;
    for (std::uint32_t pid = 2; pid < 100'000; ++pid) {
        const Ticket ticket = queue.push(process(pid), 1'000'000);
        if (pid % 1000 == 0) {
            survivors.push_back(ticket);
        } else {
            queue.strike_out(ticket);
        }
        ASSERT_LE(queue.held(), 2 * queue.waiting() + 1025) << pid;
    }
    EXPECT_EQ(queue.waiting(), 1 + survivors.size());
    EXPECT_EQ(queue.find(front)->pid, 1U);
    for (std::size_t i = 0; i < survivors.size(); ++i) {
        ASSERT_NE(queue.find(survivors[i]), nullptr);
        EXPECT_EQ(queue.find(survivors[i])->pid, 1000 * (i + 1));
        EXPECT_EQ(queue.find(survivors[i] + 1), nullptr);
    }
    queue.strike_out(survivors[3]);
    EXPECT_EQ(queue.find(survivors[3]), nullptr);
    queue.strike_out(front);
    EXPECT_EQ(queue.take_due(1'000'000)->pid, 1000U);
}

} // namespace
} // namespace knell
