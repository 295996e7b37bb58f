#include "tests/unit/observer/reporter_fixture.hpp"
#include "agent/pidfd/features.hpp"

#include <unistd.h>

#include <algorithm>

namespace knell::test {

knell_exit exit_record(const knell_process& process, int status, Instant time) {
    knell_exit record{};
    record.head = {KNELL_RECORD_EXIT, sizeof record, 0, time};
    record.process = process;
    record.status = status;
    return record;
}

knell_exit killed_by(knell_exit record, int number, std::uint32_t sender_flags) {
    record.fatal.time_ns = record.head.time_ns - 1000;
    record.fatal.number = static_cast<std::uint8_t>(number);
    record.fatal.siginfo = KNELL_SIGINFO_VALUE;
    record.fatal.group = 1;
    record.fatal.sender_pid = 77;
    record.fatal.sender_uid = 1000;
    record.fatal.sender_flags = sender_flags;
    std::ranges::copy(std::string_view("killer"), record.fatal.sender_comm);
    return record;
}

void ReporterTest::SetUp() {
    auto choice = make_loop(BackendChoice::automatic);
    ASSERT_TRUE(choice) << choice.error().message;
    loop = std::move(choice->loop);
}

void ZombieTest::SetUp() {
    ReporterTest::SetUp();
    if (!available(PidfdFeature::pidfs)) {
        GTEST_SKIP() << "a pidfd does not report the reap before Linux 6.9: nothing is known of zombies";
    }
}

// The pool's notes point into the ledger, its watches into the loop.
void ReporterTest::TearDown() {
    pool.reset();
}

void ReporterTest::start(DeathReporter::Sources sources, WatchSelect select) {
    reporter.emplace(sources, std::move(select), places, ledger, sink);
    Slots* const memory = sources.exit_records ? &slots : nullptr;
    pool.emplace(*loop, memory, PoolOptions{.capacity = 8, .min_age = 0}, *reporter);
}

Watch* ReporterTest::watch(const knell_process& process) {
    pool->forked(process, 0);
    pool->open_due(0, 1);
    return pool->exited(process);
}

bool ReporterTest::scan_finds(std::size_t processes) {
    const auto scanned = pool->scan_proc();
    EXPECT_TRUE(scanned) << scanned.error().message;
    return pool->count(WatchState::alive) == processes;
}

void ReporterTest::write_slot(Instant exit, Instant notify) {
    slots.write(slots.tagged.back(), exit, notify);
}

void ReporterTest::run_until_zombies(std::uint64_t count) {
    run_until(*loop, [&] { return pool->count(WatchState::zombie) == count; });
}

void ReporterTest::run_until_released() {
    run_until(*loop, [&] { return pool->count(WatchState::alive) + pool->count(WatchState::zombie) == 0; });
}

std::uint64_t ReporterTest::zombies() const {
    std::uint64_t sum = 0;
    for (const auto& workload : ledger.workloads()) {
        sum += workload->zombies().count();
    }
    return sum;
}

Instant ReporterTest::oldest_zombie() const {
    Instant oldest = 0;
    for (const auto& workload : ledger.workloads()) {
        oldest = std::max(oldest, workload->zombies().oldest());
    }
    return oldest;
}

std::string own_name() {
    return "kn" + std::to_string(::getpid());
}

} // namespace knell::test
