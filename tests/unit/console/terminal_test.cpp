#include "exporters/console/terminal.hpp"

#include "agent/base/fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>

#include <cstdlib>

namespace knell {
namespace {

class TerminalTest : public testing::Test {
  protected:
    void SetUp() override {
        ::unsetenv("NO_COLOR");
        ::setenv("TERM", "xterm", 1);
        int master = -1;
        int slave = -1;
        ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
        master_ = Fd(master);
        slave_ = Fd(slave);
    }

    void set_width(unsigned short width) const {
        const winsize size{.ws_row = 24, .ws_col = width, .ws_xpixel = 0, .ws_ypixel = 0};
        ASSERT_EQ(::ioctl(slave_.get(), TIOCSWINSZ, &size), 0);
    }

    Fd master_;
    Fd slave_;
};

TEST_F(TerminalTest, TellsItsWidth) {
    set_width(132);
    EXPECT_EQ(inspect_terminal(slave_.get()).width, 132U);
}

TEST_F(TerminalTest, WithoutAWidthHasTheUsualOne) {
    set_width(0);
    EXPECT_EQ(inspect_terminal(slave_.get()).width, 80U);
}

TEST_F(TerminalTest, HasColourUnlessTold) {
    EXPECT_TRUE(inspect_terminal(slave_.get()).colour);
    ::setenv("NO_COLOR", "", 1);
    EXPECT_TRUE(inspect_terminal(slave_.get()).colour);
    ::setenv("NO_COLOR", "1", 1);
    EXPECT_FALSE(inspect_terminal(slave_.get()).colour);
    ::unsetenv("NO_COLOR");
    ::setenv("TERM", "dumb", 1);
    EXPECT_FALSE(inspect_terminal(slave_.get()).colour);
}

TEST_F(TerminalTest, AFileIsNone) {
    const Fd file(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    const Terminal terminal = inspect_terminal(file.get());
    EXPECT_FALSE(terminal.width.has_value());
    EXPECT_FALSE(terminal.colour);
}

} // namespace
} // namespace knell
