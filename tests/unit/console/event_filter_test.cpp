#include "exporters/console/event_filter.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace knell {
namespace {

ProcessIdentity process(const std::string& comm, const std::string& container) {
    ProcessIdentity identity;
    identity.comm = comm;
    if (!container.empty()) {
        Place place;
        place.container = container;
        identity.place = std::make_shared<const Place>(std::move(place));
    }
    return identity;
}

Event exit_of(const std::string& comm, const std::string& container, Reason reason) {
    Exit exit;
    exit.process = process(comm, container);
    exit.reason = reason;
    return exit;
}

Event exec_of(const std::string& comm) {
    Exec exec;
    exec.process = process(comm, "");
    return exec;
}

TEST(EventFilter, ShowsExitsUnlessTold) {
    const EventFilter filter;
    EXPECT_TRUE(filter.matches(exit_of("a", "", Reason::success)));
    EXPECT_FALSE(filter.matches(exec_of("a")));
    EXPECT_FALSE(filter.matches(Reap{}));
}

TEST(EventFilter, SelectsKinds) {
    EventFilter filter;
    filter.exits = false;
    filter.execs = true;
    EXPECT_FALSE(filter.matches(exit_of("a", "", Reason::success)));
    EXPECT_TRUE(filter.matches(exec_of("a")));
    EXPECT_FALSE(filter.matches(Reap{}));
    filter.reaps = true;
    EXPECT_TRUE(filter.matches(Reap{}));
}

TEST(EventFilter, PidfdOpensAreTheirOpeners) {
    PidfdOpen open;
    open.process = process("runc", "");
    open.target_comm = "nginx";
    EventFilter filter;
    EXPECT_FALSE(filter.matches(open));
    filter.pidfds = true;
    EXPECT_TRUE(filter.matches(open));
    filter.comm_glob = "nginx";
    EXPECT_FALSE(filter.matches(open));
    filter.comm_glob = "run*";
    EXPECT_TRUE(filter.matches(open));
}

TEST(EventFilter, ReasonsRestrictExitsAndLeaveReapsOut) {
    EventFilter filter;
    filter.execs = true;
    filter.reasons = {Reason::crash, Reason::oom_kill};
    EXPECT_TRUE(filter.matches(exit_of("a", "", Reason::oom_kill)));
    EXPECT_FALSE(filter.matches(exit_of("a", "", Reason::signal)));
    EXPECT_TRUE(filter.matches(exec_of("a")));
    filter.reaps = true;
    EXPECT_FALSE(filter.matches(Reap{})) << "of a death that may have been left out";
}

TEST(EventFilter, CommIsAGlob) {
    EventFilter filter;
    filter.execs = true;
    filter.comm_glob = "post*";
    EXPECT_TRUE(filter.matches(exit_of("postgres", "", Reason::success)));
    EXPECT_FALSE(filter.matches(exit_of("nginx", "", Reason::success)));
    EXPECT_FALSE(filter.matches(exec_of("nginx")));
}

TEST(EventFilter, ContainerIsAGlobThatNeedsAContainer) {
    EventFilter filter;
    filter.container_glob = "*";
    EXPECT_TRUE(filter.matches(exit_of("a", "web", Reason::success)));
    EXPECT_FALSE(filter.matches(exit_of("a", "", Reason::success)));
    Exit in_unit;
    in_unit.process.place = std::make_shared<const Place>();
    EXPECT_FALSE(filter.matches(in_unit));
    filter.container_glob = "db-?";
    EXPECT_TRUE(filter.matches(exit_of("a", "db-1", Reason::success)));
    EXPECT_FALSE(filter.matches(exit_of("a", "web", Reason::success)));
}

TEST(EventFilter, AllConditionsMustHold) {
    EventFilter filter;
    filter.reasons = {Reason::crash};
    filter.comm_glob = "a";
    filter.container_glob = "web";
    EXPECT_TRUE(filter.matches(exit_of("a", "web", Reason::crash)));
    EXPECT_FALSE(filter.matches(exit_of("b", "web", Reason::crash)));
    EXPECT_FALSE(filter.matches(exit_of("a", "db", Reason::crash)));
    EXPECT_FALSE(filter.matches(exit_of("a", "web", Reason::error)));
}

} // namespace
} // namespace knell
