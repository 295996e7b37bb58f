#include "agent/pidfd/spawn.hpp"
#include "tests/pidfd/making.hpp"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <filesystem>
#include <map>
#include <ostream>

namespace knell::test {
namespace {

// One that never opens anything: it is linked statically.
SpawnOptions static_sleeper() {
    SpawnOptions options;
    options.argv = {die_path(), "sleep"};
    return options;
}

// Which file stands behind each descriptor of a process.
std::map<int, ino_t> files_of(const Pidfd& process) {
    const Fd directory = value_of(procfd::open(process));
    const pid_t pid = number_of(process);
    std::map<int, ino_t> files;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
        struct stat info{};
        const std::string name = "fd/" + entry.path().filename().string();
        if (::fstatat(directory.get(), name.c_str(), &info, 0) == 0) {
            files[std::stoi(entry.path().filename())] = info.st_ino;
        }
    }
    return files;
}

struct Mapping {
    const char* name;
    std::vector<SpawnOptions::Descriptor> descriptors;
};

void PrintTo(const Mapping& mapping, std::ostream* out) {
    *out << mapping.name;
}

class SpawnDescriptors : public testing::TestWithParam<Mapping> {};

// Ours are files at 100 to 105, half of them inheritable, and the standard ones.
TEST_P(SpawnDescriptors, ArriveAtTheirNumbersAndNoOthersDo) {
    std::vector<Fd> files;
    for (int number = 100; number < 106; ++number) {
        const Fd file(::memfd_create("file", MFD_CLOEXEC));
        files.emplace_back(::dup3(file.get(), number, number % 2 == 0 ? O_CLOEXEC : 0));
    }
    const auto inode_of = [](int number) {
        struct stat info{};
        return ::fstat(number, &info) == 0 ? info.st_ino : 0;
    };
    std::map<int, ino_t> expected{{0, inode_of(0)}, {1, inode_of(1)}, {2, inode_of(2)}};
    for (const auto& [child_number, ours] : GetParam().descriptors) {
        expected[child_number] = inode_of(ours);
    }
    for (const std::vector<long>& refused : {std::vector<long>{}, {SYS_close_range}}) {
        Child child([&](const Line&) {
            refuse_system_calls(refused);
            SpawnOptions options = static_sleeper();
            options.descriptors = GetParam().descriptors;
            const Pidfd process = start_sleeping(options);
            const auto arrived = files_of(process);
            end(process);
            EXPECT_EQ(arrived, expected);
            return testing::Test::HasFailure() ? 1 : 0;
        });
        EXPECT_EQ(child.reap(), 0) << "with " << refused.size() << " system calls refused";
    }
}

std::vector<SpawnOptions::Descriptor> everywhere() {
    std::vector<SpawnOptions::Descriptor> all;
    for (int number = 0; number < 60; ++number) {
        all.push_back({.child_number = number, .ours = 100 + number % 6});
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(
    Mappings, SpawnDescriptors,
    testing::Values(Mapping{"none", {}}, Mapping{"one", {{3, 100}}}, Mapping{"stays_put", {{100, 100}, {101, 101}}},
                    Mapping{"exchange", {{101, 100}, {100, 101}}}, Mapping{"chain", {{101, 100}, {102, 101}, {3, 102}}},
                    Mapping{"chain_backwards", {{3, 102}, {102, 101}, {101, 100}}},
                    Mapping{"round_of_three", {{101, 100}, {102, 101}, {100, 102}}},
                    Mapping{"two_rounds", {{101, 100}, {100, 101}, {103, 102}, {104, 103}, {102, 104}}},
                    Mapping{"round_with_a_branch", {{101, 100}, {100, 101}, {7, 100}, {8, 101}}},
                    Mapping{"one_to_many", {{3, 100}, {4, 100}, {100, 100}, {101, 100}}},
                    Mapping{"standard_ones", {{0, 100}, {1, 2}, {2, 101}}},
                    Mapping{"exchanged_standard_ones", {{0, 2}, {2, 0}, {9, 1}}}, Mapping{"everywhere", everywhere()}),
    [](const testing::TestParamInfo<Mapping>& mapping) { return std::string(mapping.param.name); });

TEST_F(Spawn, AFullTableOfDescriptorsLeavesRoomForTheStart) {
    const DescriptorLimit limit(256);
    const auto fillers = fill_descriptors(3); // a pipe and the pidfd
    SpawnOptions options = sleeper();
    options.descriptors = {
        {.child_number = 3, .ours = 4}, {.child_number = 4, .ours = 3}, {.child_number = 255, .ours = 2}};
    const auto process = Pidfd::spawn(options);
    ASSERT_TRUE(process) << process.error().message;
    end(*process);
}

TEST_F(Spawn, WithoutRoomItFailsAndLeavesNothing) {
    const DescriptorLimit limit(256);
    for (const std::size_t room : {0U, 1U, 2U}) {
        const auto fillers = fill_descriptors(room);
        const auto refused = Pidfd::spawn(sleeper());
        ASSERT_FALSE(refused) << room;
        EXPECT_EQ(refused.error().errno_value, EMFILE) << refused.error().message;
        EXPECT_EQ(fill_descriptors(0).size(), room);
    }
}

TEST_F(Spawn, ManyDescriptorsAreNoTrouble) {
    const DescriptorLimit limit(50'000);
    const auto fillers = fill_descriptors(10);
    for (const std::vector<long>& refused : {std::vector<long>{}, {SYS_close_range}}) {
        Child child([&](const Line&) {
            refuse_system_calls(refused);
            const Pidfd process = start_sleeping(static_sleeper());
            const std::size_t kept = files_of(process).size();
            end(process);
            return kept == 3 ? 0 : 1;
        });
        EXPECT_EQ(child.reap(), 0);
    }
}

} // namespace
} // namespace knell::test
