#include "agent/config/config.hpp"

#include "tests/support/children.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

namespace knell {
namespace {

class LoadConfig : public testing::Test {
  protected:
    [[nodiscard]] std::string directory() const { return directory_.path(); }

    [[nodiscard]] std::string write(const std::string& text) const {
        const std::string path = directory() + "/knell.yaml";
        std::ofstream(path) << text;
        return path;
    }

  private:
    const test::TempDir directory_ = test::value_of(test::TempDir::create());
};

TEST_F(LoadConfig, ReadsAFile) {
    const Result<Config> config = load_config(write("listen: :1234\n"));
    ASSERT_TRUE(config.has_value()) << config.error().message;
    EXPECT_EQ(config->listen, ":1234");
}

TEST_F(LoadConfig, ProblemsNameThePath) {
    const std::string path = write("listen: here\n");
    const Result<Config> config = load_config(path);
    ASSERT_FALSE(config.has_value());
    EXPECT_THAT(config.error().message, testing::StartsWith(path + ":1: listen: \"here\" has no port"));
}

TEST_F(LoadConfig, AMissingFileIsAnError) {
    const std::string path = directory() + "/none.yaml";
    const Result<Config> config = load_config(path);
    ASSERT_FALSE(config.has_value());
    EXPECT_EQ(config.error().errno_value, ENOENT);
    EXPECT_EQ(config.error().message, "reading the configuration: open " + path +
                                          ": No such file or directory (check the path; without a file the defaults "
                                          "apply)");
}

TEST_F(LoadConfig, ADirectoryIsAnError) {
    const Result<Config> config = load_config(directory());
    ASSERT_FALSE(config.has_value());
    EXPECT_EQ(config.error().errno_value, EISDIR);
    EXPECT_THAT(config.error().message, testing::HasSubstr("(name a file in this directory)"));
}

TEST_F(LoadConfig, AnUnreadableFileIsAnError) {
    const std::string path = write("listen: :1234\n");
    ASSERT_EQ(::chmod(path.c_str(), 0), 0);
    // Root reads every file: look at it as somebody else.
    const uid_t user = ::geteuid();
    ASSERT_EQ(::seteuid(user == 0 ? 65534 : user), 0);
    const Result<Config> config = load_config(path);
    ASSERT_EQ(::seteuid(user), 0);
    ASSERT_FALSE(config.has_value());
    EXPECT_EQ(config.error().errno_value, EACCES);
    EXPECT_THAT(config.error().message, testing::HasSubstr("readable for the user that knell runs as"));
}

TEST_F(LoadConfig, AFileOfMoreThanAMebibyteIsAnError) {
    const std::string megabyte(1U << 20, '\n');
    EXPECT_TRUE(load_config(write(megabyte)).has_value());
    const Result<Config> config = load_config(write(megabyte + "\n"));
    ASSERT_FALSE(config.has_value());
    EXPECT_EQ(config.error().errno_value, EFBIG);
    EXPECT_THAT(config.error().message, testing::HasSubstr("more than 1048576 bytes"));
}

} // namespace
} // namespace knell
