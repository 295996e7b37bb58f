#include "agent/pidfd/process_ref.hpp"

#include "agent/base/file.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/problem.hpp"
#include "agent/pidfd/procfd.hpp"
#include "agent/pidfd/stat.hpp"
#include "tests/pidfd/apart.hpp"
#include "tests/pidfd/child.hpp"
#include "tests/support/children.hpp"
#include "tests/support/clone.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <memory>
#include <new>
#include <string>

// References are opened while their numbers are recycled as fast as this machine can.
namespace knell::test {
namespace {

constexpr std::size_t kNumbers = 8;
constexpr pid_t kFirstNumber = 100;
constexpr std::size_t kMaxGenerations = std::size_t{1} << 20;
constexpr int kOpens = 100'000;

// What the storm tells the opener: each process that is to be found is a generation of its own, and called after it.
struct Board {
    std::array<std::atomic<std::size_t>, kNumbers> latest{}; // generation; 0: none yet
    std::array<std::atomic<std::uint64_t>, kMaxGenerations> inodes{};
};

struct Unmap {
    void operator()(Board* board) const { ::munmap(board, sizeof(Board)); }
};

std::unique_ptr<Board, Unmap> share_board() {
    void* const memory = ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        throw std::bad_alloc();
    }
    // Zeroes are what the constructor would write, and untouched pages cost nothing.
    return std::unique_ptr<Board, Unmap>(static_cast<Board*>(memory));
}

std::string name_of_generation(std::size_t generation) {
    return "wanted-" + std::to_string(generation);
}

pid_t number_of(std::size_t slot) {
    return kFirstNumber + static_cast<pid_t>(slot);
}

// The child has the name from its first moment: it inherits its parent's.
void start(pid_t number, const std::string& name) {
    ::prctl(PR_SET_NAME, name.c_str());
    const pid_t child = value_of(clone_process({.pid = number}));
    while (child == 0) {
        ::pause();
    }
}

void end(pid_t number) {
    if (::kill(number, SIGKILL) != 0 || ::waitpid(number, nullptr, 0) != number) {
        throw std::runtime_error("the storm lost a child");
    }
}

// Wanted processes and strangers take turns at each number.
int storm(Board& board) {
    std::array<bool, kNumbers> wanted{};
    for (std::size_t turn = 0, generation = 1; generation < kMaxGenerations; ++turn) {
        const std::size_t slot = turn % kNumbers;
        const pid_t number = number_of(slot);
        if (turn >= kNumbers) {
            end(number);
        }
        wanted[slot] = !wanted[slot];
        if (!wanted[slot]) {
            start(number, "stranger");
            continue;
        }
        start(number, name_of_generation(generation));
        board.inodes[generation] = value_of(value_of(Pidfd::open(number)).inode());
        board.latest[slot] = generation++;
    }
    return 0;
}

struct Tally {
    int found = 0;
    int recycled = 0;
    int gone = 0;
    int wrong = 0;
    std::string first_surprise;

    void surprise(const std::string& what) {
        ++wrong;
        if (first_surprise.empty()) {
            first_surprise = what;
        }
    }
};

// Opens the process of a generation, and looks who it is by what the storm has called it.
void open_and_verify(const ProcessRef& reference, const std::string& name, Tally& tally) {
    const auto pidfd = reference.open();
    if (!pidfd) {
        switch (problem_of(pidfd.error())) {
        case Problem::recycled:
            ++tally.recycled;
            return;
        case Problem::gone:
            ++tally.gone;
            return;
        default:
            tally.surprise(pidfd.error().message);
            return;
        }
    }
    ++tally.found;
    const auto directory = procfd::open(*pidfd);
    const auto stat = directory ? procfd::read_stat(*directory) : std::unexpected(directory.error());
    if (stat ? stat->comm != name : problem_of(stat.error()) != Problem::gone) {
        tally.surprise("looking for " + name + ": " + (stat ? "found " + stat->comm : stat.error().message));
    }
}

Tally open_in_storm(const Board& board) {
    const std::string boot = value_of(read_small_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64));
    Tally tally;
    for (int done = 0; done < kOpens; ++done) {
        const std::size_t slot = static_cast<std::size_t>(done) % kNumbers;
        std::size_t generation = 0;
        while ((generation = board.latest[slot]) == 0) { // the storm is only beginning
        }
        const std::string text = std::to_string(number_of(slot)) + ":" + std::to_string(board.inodes[generation]) +
                                 ":" + boot.substr(0, boot.find('\n'));
        open_and_verify(value_of(ProcessRef::parse(text)), name_of_generation(generation), tally);
    }
    return tally;
}

// In a pid namespace of its own, where the numbers are nobody else's and no setting of the machine is touched. By inode
// alone: start times do not tell processes of one clock tick apart, which is written at Kind::start_time.
TEST(Recycling, AStormNeverYieldsAStranger) {
    if (!available(PidfdFeature::pidfs)) {
        GTEST_SKIP() << "pidfds have no inode of their own before Linux 6.9";
    }
    check_in_new_pid_namespace([] {
        const auto board = share_board();
        const Child child([&board](const Line&) { return storm(*board); });
        const Tally tally = open_in_storm(*board);
        EXPECT_EQ(tally.wrong, 0) << tally.first_surprise;
        EXPECT_GT(tally.found, kOpens / 100);
        EXPECT_GT(tally.recycled, kOpens / 100);
        EXPECT_GT(tally.gone, 0);
        EXPECT_GT(board->latest[0].load(), std::size_t{100}) << "that was no storm";
    });
}

} // namespace
} // namespace knell::test
