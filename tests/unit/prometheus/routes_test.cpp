#include "exporters/prometheus/routes.hpp"
#include "tests/unit/ledger/samples.hpp"
#include "tests/unit/prometheus/fixtures.hpp"
#include "tests/unit/prometheus/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

namespace knell {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class RoutesTest : public ::testing::Test {
  protected:
    RoutesTest() { status_.value = full_status(); }
    [[nodiscard]] HttpResponse get(const std::string& path, const std::string& accept = {}) const {
        return make_routes(ledger_, status_, recent_, options_).at(path)({.accept = accept});
    }
    Ledger ledger_{{}};
    RecentDeaths recent_;
    FixedStatus status_;
    RouteOptions options_{.build = kTestBuild};
};

TEST_F(RoutesTest, MetricsNameTheVersionOfTheFormat) {
    const HttpResponse response = get("/metrics");
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_THAT(response.body, StartsWith("# HELP knell_process_exits_total "));
    EXPECT_THAT(response.body, HasSubstr("knell_build_info{version=\"1.2.3\",revision=\"abcdef0\",libbpf=\"1.1\","
                                         "liburing=\"2.3\"} 1\n"));
    EXPECT_THAT(response.body, HasSubstr("process_start_time_seconds "));
}

TEST_F(RoutesTest, OpenMetricsToWhoAsksForIt) {
    const HttpResponse response = get("/metrics", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
    EXPECT_EQ(response.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    EXPECT_THAT(response.body, StartsWith("# TYPE knell_process_exits counter\n"));
    EXPECT_THAT(response.body, HasSubstr("\nknell_process_exits_created{"));
    EXPECT_THAT(response.body, EndsWith("\n# EOF\n"));
    options_.created_timestamps = false;
    EXPECT_THAT(get("/metrics", "application/openmetrics-text").body, Not(HasSubstr("_created{")));
}

TEST_F(RoutesTest, HealthIsTheLoopsTurning) {
    EXPECT_EQ(get("/healthz").status, 200U);
    EXPECT_EQ(get("/healthz").body, "ok\n");
    EXPECT_EQ(status_.asked_patience, 5 * kSecond);
    status_.turns = false;
    EXPECT_EQ(get("/healthz").status, 503U);
    EXPECT_THAT(get("/healthz").body, HasSubstr("did not turn within 5 s"));
}

TEST_F(RoutesTest, ReadinessSaysWhatIsMissing) {
    EXPECT_EQ(get("/readyz").status, 200U);
    status_.value.ready = false;
    EXPECT_EQ(get("/readyz").status, 503U);
    EXPECT_THAT(get("/readyz").body, HasSubstr("not ready"));
    EXPECT_THAT(get("/readyz").body, HasSubstr("off: oom: no BTF\n"));
}

TEST_F(RoutesTest, ThePageShowsTheLatestDeath) {
    Exit exit = death_by(unit_place("nginx.service"), SIGSEGV, KillerClass::self);
    exit.process.pid = 31337;
    recent_.on_event(exit);
    const HttpResponse response = get("/");
    EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
    EXPECT_THAT(response.body, HasSubstr("31337"));
    EXPECT_THAT(response.body, HasSubstr("nginx.service"));
}

TEST_F(RoutesTest, ThePageHasItsStyleAndScript) {
    const std::string page = get("/").body;
    for (const auto& [name, type] : {std::pair{"page.css", "text/css"}, {"page.js", "text/javascript"}}) {
        EXPECT_THAT(page, HasSubstr("=\"" + std::string(name) + "\""));
        EXPECT_THAT(get("/" + std::string(name)).content_type, StartsWith(type));
        EXPECT_THAT(get("/" + std::string(name)).body, ::testing::EndsWith("\n"));
    }
}

// Scrapes and page views over real connections while the loop counts: for ThreadSanitizer, and that every answer is
// whole.
TEST_F(RoutesTest, AnswersWhileTheLoopCounts) {
    auto server = HttpServer::start("127.0.0.1:0", make_routes(ledger_, status_, recent_, options_));
    ASSERT_TRUE(server) << server.error().message;
    std::atomic<bool> done{false};
    std::thread loop([&] {
        for (std::uint32_t i = 0; !done.load(); ++i) {
            const auto place = container_place("shop", "job-" + std::to_string(i % 50));
            const Exit exit = death_by(place, 1 + static_cast<int>(i % 31), KillerClass::host);
            ledger_.on_event(exit);
            recent_.on_event(exit);
            ledger_.on_event(reap_of(place, i));
            ledger_.place_gone(place, i);
            ledger_.forget_gone(i);
        }
    });
    for (int i = 0; i < 10; ++i) {
        EXPECT_THAT(http_request((*server)->port(), "GET", "/metrics"),
                    ::testing::ContainsRegex("process_max_fds [0-9]"));
        EXPECT_THAT(http_request((*server)->port(), "GET", "/"), ::testing::EndsWith("</html>\n"));
    }
    done = true;
    loop.join();
}

} // namespace
} // namespace knell
