#include "agent/base/file.hpp"

#include "agent/base/fd.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace knell {
namespace {

// A file without a name, and a path to it.
struct MemoryFile {
    explicit MemoryFile(const std::string& content) : fd(::memfd_create("file_test", MFD_CLOEXEC)) {
        EXPECT_EQ(::write(fd.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
    }
    [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd.get()); }
    Fd fd;
};

TEST(ReadSmallFile, ReadsFilesOfEverySizeUpToTheLimit) {
    constexpr std::size_t kLimit = 20'000;
    for (const std::size_t size : {0UL, 1UL, 4095UL, 4096UL, 4097UL, 8192UL, 19'999UL, 20'000UL}) {
        const std::string content(size, 'x');
        const auto read = read_small_file(AT_FDCWD, MemoryFile(content).path().c_str(), kLimit);
        ASSERT_TRUE(read) << size << ": " << read.error().message;
        EXPECT_EQ(*read, content);
    }
}

TEST(ReadSmallFile, RefusesAFileAboveTheLimit) {
    for (const std::size_t limit : {0UL, 1UL, 9UL}) {
        const auto read = read_small_file(AT_FDCWD, MemoryFile("0123456789").path().c_str(), limit);
        ASSERT_FALSE(read) << limit;
        EXPECT_EQ(read.error().errno_value, EFBIG);
    }
}

TEST(ReadSmallFile, GoesOnAfterShortReads) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const Fd reader(ends[0]);
    Fd writer(ends[1]);
    // A pipe hands over what is in it: two writes larger than its buffer cannot come back in one read.
    const std::string content(200'000, 'p');
    std::thread feeder([&] {
        for (std::size_t sent = 0; sent < content.size();) {
            const ssize_t wrote = ::write(writer.get(), content.data() + sent, content.size() - sent);
            ASSERT_GT(wrote, 0);
            sent += static_cast<std::size_t>(wrote);
        }
        writer.reset();
    });
    const auto read =
        read_small_file(AT_FDCWD, ("/proc/self/fd/" + std::to_string(reader.get())).c_str(), content.size());
    feeder.join();
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, content);
}

TEST(ReadSmallFile, IsRelativeToADirectory) {
    const Fd proc(::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const auto read = read_small_file(proc.get(), "comm", 64);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_TRUE(read->ends_with('\n'));
}

TEST(ReadSmallFile, NamesTheFileAndTheAnswerOfTheKernel) {
    const auto missing = read_small_file(AT_FDCWD, "/nonexistent/file", 64);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().errno_value, ENOENT);
    EXPECT_EQ(missing.error().message, "open /nonexistent/file: No such file or directory");

    const auto directory = read_small_file(AT_FDCWD, "/proc", 64);
    ASSERT_FALSE(directory);
    EXPECT_EQ(directory.error().errno_value, EISDIR);
}

} // namespace
} // namespace knell
