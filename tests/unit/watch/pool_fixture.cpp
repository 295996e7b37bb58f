#include "tests/unit/watch/pool_fixture.hpp"

#include <algorithm>
#include <filesystem>

namespace knell::test {

std::size_t RecordingListener::count(const std::string& call) const {
    return static_cast<std::size_t>(std::ranges::count(calls, call));
}

Selection RecordingListener::selects(const knell_process& process, const Fd*) {
    asked.push_back(process);
    if (!can_tell) {
        return Selection::unknown;
    }
    return select(process) ? Selection::yes : Selection::no;
}

void RecordingListener::watched(Watch& watch, const knell_process& process, const Fd*) {
    calls.emplace_back("watched");
    watched_processes.push_back(process);
    last = &watch;
}

void RecordingListener::ended(Watch& watch, Instant now) {
    calls.emplace_back("ended");
    EXPECT_TRUE(watch.ended());
    ends.push_back(watch.end());
    times.push_back(now);
}

void RecordingListener::reaped(Watch& watch, Instant now) {
    calls.emplace_back("reaped");
    EXPECT_TRUE(watch.ended());
    times.push_back(now);
}

void RecordingListener::released(Watch&) {
    calls.emplace_back("released");
}

Result<> RefusingLoop::poll_once(PollOp& op, int fd, int events) {
    if (refuse_with != 0) {
        return system_failure("poll_once", refuse_with);
    }
    return real_.poll_once(op, on_no_descriptor ? -1 : fd, events);
}

void PoolTest::SetUp() {
    LoopTest::SetUp();
    if (loop == nullptr) {
        return;
    }
    refusing = std::make_unique<RefusingLoop>(*loop);
    pool = std::make_unique<Pool>(*refusing, &slots, PoolOptions{.capacity = 4, .min_age = kMinAge}, listener);
}

void PoolTest::TearDown() {
    pool.reset(); // before the listener and the loop
}

Watch* PoolTest::watch(const knell_process& process) {
    const std::size_t before = listener.count("watched");
    pool->forked(process, kBirth);
    pool->open_due(kDue, kAll);
    return listener.count("watched") > before ? listener.last : nullptr;
}

void PoolTest::run_until_told(const std::string& call) {
    run_until(*loop, [&] { return listener.was(call); });
}

std::array<std::uint64_t, 3> PoolTest::states() const {
    return {pool->count(WatchState::candidate), pool->count(WatchState::alive), pool->count(WatchState::zombie)};
}

std::string PoolTest::refusals() const {
    std::string text;
    for (std::size_t i = 0; i < kWatchRefusalNames.size(); ++i) {
        if (const std::uint64_t count = pool->refused(static_cast<WatchRefusal>(i)); count != 0) {
            text += (text.empty() ? "" : " ") + std::string(kWatchRefusalNames[i]) + " " + std::to_string(count);
        }
    }
    return text;
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator directory("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(directory), end(directory)));
}

} // namespace knell::test
