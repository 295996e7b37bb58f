#include "agent/privilege/landlock.hpp"

#include "agent/base/fd.hpp"
#include "agent/privilege/capabilities.hpp"
#include "tests/support/temp_dir.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <thread>

namespace knell {
namespace {

namespace fs = std::filesystem;

int error_of_open(const fs::path& path, int flags) {
    const Fd file(::open(path.c_str(), flags | O_CLOEXEC, 0600));
    return file ? 0 : errno;
}

class LandlockTest : public testing::Test {
  protected:
    void SetUp() override {
        if (const auto version = landlock_version(); !version) {
            GTEST_SKIP() << version.error().message;
        }
        auto made = test::TempDir::create();
        ASSERT_TRUE(made) << made.error().message;
        directory_.emplace(std::move(*made));
        for (const char* name : {"read", "write", "manage", "neither"}) {
            fs::create_directory(directory_->path() / name);
            ASSERT_EQ(error_of_open(directory_->path() / name / "file", O_WRONLY | O_CREAT), 0);
        }
    }
    [[nodiscard]] fs::path at(const char* below) const { return directory_->path() / below; }

    // Rules bind a thread for good: its own takes them.
    template <typename Body>
    void restricted(const Body& body) const {
        std::jthread([&] {
            ASSERT_TRUE(forbid_new_privileges());
            const auto done = restrict_files({{.path = at("read")},
                                              {.path = at("write"), .access = FileRule::Access::write},
                                              {.path = at("manage"), .access = FileRule::Access::manage},
                                              {.path = at("absent")},
                                              {.path = "/dev/null", .access = FileRule::Access::write}});
            ASSERT_TRUE(done) << done.error().message;
            body();
        }).join();
    }

    std::optional<test::TempDir> directory_;
};

TEST_F(LandlockTest, ReadsWhereItMayRead) {
    restricted([&] {
        EXPECT_EQ(error_of_open(at("read/file"), O_RDONLY), 0);
        EXPECT_EQ(error_of_open(at("read"), O_RDONLY | O_DIRECTORY), 0);
        EXPECT_EQ(error_of_open(at("read/file"), O_WRONLY), EACCES);
        EXPECT_EQ(error_of_open(at("read/new"), O_WRONLY | O_CREAT), EACCES);
        EXPECT_EQ(error_of_open(at("neither/file"), O_RDONLY), EACCES);
    });
    EXPECT_EQ(error_of_open(at("neither/file"), O_RDONLY), 0); // nobody else is bound
}

TEST_F(LandlockTest, WritesWhereItMayWrite) {
    restricted([&] {
        EXPECT_EQ(error_of_open(at("write/file"), O_WRONLY | O_APPEND), 0);
        EXPECT_EQ(error_of_open(at("write/new"), O_WRONLY | O_CREAT), 0);
        EXPECT_EQ(error_of_open(at("write/file"), O_RDONLY), EACCES);
        EXPECT_EQ(::unlink(at("write/file").c_str()), -1);
        EXPECT_EQ(error_of_open("/dev/null", O_WRONLY), 0);
        EXPECT_EQ(error_of_open("/dev/zero", O_WRONLY), EACCES);
    });
}

TEST_F(LandlockTest, RemovesWhereItMayManage) {
    restricted([&] {
        EXPECT_EQ(::mkdir(at("manage/new").c_str(), 0700), 0);
        EXPECT_EQ(::rmdir(at("manage/new").c_str()), 0);
        EXPECT_EQ(::unlink(at("manage/file").c_str()), 0);
        EXPECT_EQ(::mkdir(at("neither/new").c_str(), 0700), -1);
    });
}

} // namespace
} // namespace knell
