#include "agent/probe/decode.hpp"
#include "agent/probe/pin_directory.hpp"
#include "agent/probe/probe.hpp"
#include "tests/bpf/bpf_test.hpp"
#include "tests/bpf/drain_all.hpp"
#include "tests/bpf/probe_under_test.hpp"
#include "tests/bpf/scene.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

// What outlives an agent in a bpffs, and what the next one makes of it.
namespace knell::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::string kWhole = "0123456789ab-0123456789abcdef"; // as Programs::pin_name() would have it

class Pins : public BpfTest {
  protected:
    ~Pins() override {
        // The kernel lets nobody else remove what is pinned.
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] PinDirectory lock() const { return must(PinDirectory::lock(path_)); }

    // One agent after another: whoever was before has to be gone.
    [[nodiscard]] std::unique_ptr<Probe> load(const ProbeOptions& options = {}) const {
        return must(Probe::load(options, lock()));
    }

    // An agent that came and went.
    void leave_pins() const { EXPECT_THAT(restart(*load()).hook, StartsWith("pinned in")); }

    static const Feature& restart(const Probe& probe) {
        return *std::ranges::find(probe.features(), "restart", &Feature::name);
    }

    // What is in the directory.
    [[nodiscard]] std::vector<std::string> entries() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(path_)) {
            names.push_back(entry.path().filename());
        }
        return names;
    }

    const std::string path_ = "/sys/fs/bpf/knell-pins-test-" + std::to_string(::getpid());
};

pid_t die_once() {
    ForkedChild child([] { return 7; });
    EXPECT_EQ(child.wait().status, 7 << 8);
    return child.pid();
}

std::ptrdiff_t exits_of(pid_t pid, Ring& ring) {
    std::ptrdiff_t exits = 0;
    drain_all(ring, [&](std::span<const std::byte> bytes) {
        const Record record = decode(bytes);
        const auto* exit = std::get_if<const knell_exit*>(&record);
        exits += exit != nullptr && (*exit)->process.pid == static_cast<std::uint32_t>(pid) ? 1 : 0;
    });
    return exits;
}

TEST_F(Pins, AreForOneAgentAtATime) {
    {
        const PinDirectory first = lock();
        const auto second = PinDirectory::lock(path_);
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().errno_value, EWOULDBLOCK);
        EXPECT_THAT(second.error().message, HasSubstr("another knell uses it"));
    }
    EXPECT_TRUE(PinDirectory::lock(path_)) << "the first has ended";
}

TEST_F(Pins, TakeABpffs) {
    const TempDir elsewhere = must(TempDir::create());
    const auto locked = PinDirectory::lock(elsewhere.path() / "knell");
    ASSERT_FALSE(locked);
    EXPECT_THAT(locked.error().message, HasSubstr("is not in a bpffs"));
    const auto nowhere = PinDirectory::lock(elsewhere.path() / "gone" / "knell");
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().errno_value, ENOENT);
}

TEST_F(Pins, WhatIsHalfDoneIsRemovedAndWhatIsNotOursStays) {
    PinDirectory pins = lock();
    must(pins.begin(kWhole));
    EXPECT_THAT(must(pins.take_stock()), IsEmpty());
    EXPECT_THAT(entries(), IsEmpty());

    must(pins.begin(kWhole));
    must(pins.publish(kWhole));
    ASSERT_EQ(::mkdir(pins.path_of("0123456789AB-0123456789abcdef").c_str(), 0700), 0);
    EXPECT_THAT(must(pins.take_stock()), ElementsAre(kWhole));
    must(pins.remove(kWhole));
    must(pins.remove(kWhole)); // is no failure when it is done
    const auto removed = pins.remove_itself();
    ASSERT_FALSE(removed);
    EXPECT_THAT(removed.error().message, HasSubstr("not knell's"));
    ASSERT_EQ(::rmdir(pins.path_of("0123456789AB-0123456789abcdef").c_str()), 0);
    EXPECT_TRUE(pins.remove_itself());
}

TEST_F(Pins, TheNextAgentTakesOverWithWhatDiedMeanwhile) {
    leave_pins();
    const pid_t dead = die_once();
    const auto probe = load();
    EXPECT_TRUE(probe->took_over());
    EXPECT_THAT(restart(*probe).hook, StartsWith("taken over from"));
    EXPECT_EQ(restart(*probe).why_not, "");
    EXPECT_EQ(exits_of(dead, probe->ring()), 1);
    EXPECT_EQ(exits_of(die_once(), probe->ring()), 1) << "its programs are at work";
    EXPECT_THAT(probe->predecessors(), IsEmpty());
}

TEST_F(Pins, WhatAnotherSetUpLeftIsReadAndRemoved) {
    leave_pins();
    const std::vector<std::string> left = entries();
    const pid_t dead = die_once();
    const auto probe = load({.stop_signals = {SIGINT}});
    EXPECT_FALSE(probe->took_over());
    EXPECT_THAT(restart(*probe).hook, StartsWith("pinned in"));
    ASSERT_EQ(probe->predecessors().size(), 1U) << restart(*probe).why_not;
    Predecessor& predecessor = probe->predecessors().front();
    EXPECT_THAT(left, ElementsAre(predecessor.name()));
    EXPECT_EQ(exits_of(dead, predecessor.ring()), 1);
    EXPECT_EQ(exits_of(dead, probe->ring()), 0);
    EXPECT_EQ(exits_of(die_once(), predecessor.ring()), 0) << "its programs have ended";
    must(probe->drop_predecessors());
    EXPECT_EQ(entries().size(), 1U);
    EXPECT_NE(entries(), left);
}

TEST_F(Pins, WhatCannotBeTakenOverIsStartedAfreshAndSaid) {
    leave_pins();
    const std::string ring = path_ + "/" + entries().at(0) + "/map_ring";
    ASSERT_EQ(::unlink(ring.c_str()), 0) << ring;
    const auto probe = load();
    EXPECT_FALSE(probe->took_over());
    EXPECT_THAT(restart(*probe).hook, StartsWith("pinned in"));
    EXPECT_THAT(restart(*probe).why_not, HasSubstr("could not be taken over"));
    EXPECT_EQ(exits_of(die_once(), probe->ring()), 1);
}

TEST_F(Pins, WhatAnotherVersionLeftIsLostAndSaid) {
    {
        PinDirectory pins = lock();
        must(pins.begin(kWhole));
        must(pins.publish(kWhole));
    }
    const auto probe = load();
    EXPECT_THAT(restart(*probe).why_not, HasSubstr("is of another version of knell"));
    EXPECT_THAT(entries(), testing::Not(testing::Contains(kWhole)));
}

TEST_F(Pins, UnpinnedNothingStays) {
    const auto probe = load();
    EXPECT_EQ(entries().size(), 1U);
    must(probe->unpin());
    EXPECT_THAT(entries(), IsEmpty());
}

} // namespace
} // namespace knell::test
