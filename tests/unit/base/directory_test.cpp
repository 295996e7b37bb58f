#include "agent/base/directory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace knell {
namespace {

TEST(Directory, EachEntryOnceAndNoLinksUp) {
    int ours = 0;
    const std::string pid = std::to_string(::getpid());
    ASSERT_TRUE(for_each_entry(AT_FDCWD, "/proc", [&](const dirent& entry) {
        const char* name = entry.d_name;
        EXPECT_STRNE(name, ".");
        EXPECT_STRNE(name, "..");
        ours += name == pid ? 1 : 0;
        return true;
    }));
    EXPECT_EQ(ours, 1);
}

TEST(Directory, EndsWhenTheVisitorHasEnough) {
    int visits = 0;
    ASSERT_TRUE(for_each_entry(AT_FDCWD, "/proc", [&](const dirent&) {
        errno = EBADF; // what a visitor leaves there is not the listing's failure
        return ++visits < 3;
    }));
    EXPECT_EQ(visits, 3);
}

TEST(Directory, SaysWhyItCannotBeListed) {
    const auto listed = for_each_entry(AT_FDCWD, "/proc/self/status", [](const dirent&) { return true; });
    ASSERT_FALSE(listed);
    EXPECT_EQ(listed.error().errno_value, ENOTDIR);
    EXPECT_EQ(listed.error().message, std::string("listing /proc/self/status: ") + std::strerror(ENOTDIR));
}

} // namespace
} // namespace knell
