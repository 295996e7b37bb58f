#include "exporters/prometheus/http_server.hpp"
#include "tests/unit/prometheus/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <future>
#include <new>
#include <vector>

namespace knell {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class HttpServerTest : public ::testing::Test {
  protected:
    void serve(Routes routes) {
        auto started = HttpServer::start("127.0.0.1:0", std::move(routes));
        ASSERT_TRUE(started) << started.error().message;
        server_ = std::move(*started);
        ASSERT_NE(server_->port(), 0);
    }
    [[nodiscard]] std::uint16_t port() const { return server_->port(); }

    std::unique_ptr<HttpServer> server_;
};

HttpHandler text(std::string body) {
    return [body = std::move(body)](const HttpRequest&) { return HttpResponse{.body = body}; };
}

TEST_F(HttpServerTest, HandlersGetAllThatIsAccepted) {
    serve({{"/accept", [](const HttpRequest& request) { return HttpResponse{.body = request.accept}; }}});
    EXPECT_EQ(body_of(http_request(port(), "GET", "/accept")), "");
    EXPECT_EQ(body_of(http_request(port(), "GET", "/accept", "Accept: a/b;q=0.5\r\naccept: c/d\r\n")), "a/b;q=0.5,c/d");
}

TEST_F(HttpServerTest, AnswersGet) {
    serve({{"/hello", text("world\n")}});
    const std::string response = http_request(port(), "GET", "/hello?query=ignored");
    EXPECT_THAT(response, StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(response, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
    EXPECT_THAT(response, HasSubstr("Content-Length: 6\r\n"));
    EXPECT_THAT(response, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(response, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
    EXPECT_THAT(response, HasSubstr("Content-Security-Policy: default-src 'none'; script-src 'self'; "));
    EXPECT_EQ(body_of(response), "world\n");
}

TEST_F(HttpServerTest, AnswersHeadWithTheHeadersOfGet) {
    serve({{"/hello", text("world\n")}});
    const std::string response = http_request(port(), "HEAD", "/hello");
    EXPECT_THAT(response, StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(response, HasSubstr("Content-Length: 6\r\n"));
    EXPECT_EQ(body_of(response), "");
}

TEST_F(HttpServerTest, RefusesOtherMethods) {
    serve({{"/hello", text("world\n")}});
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"}) {
        const std::string response = http_request(port(), method, "/hello");
        EXPECT_THAT(response, StartsWith("HTTP/1.1 405 ")) << method;
        EXPECT_THAT(response, HasSubstr("Allow: GET, HEAD\r\n")) << method;
    }
}

TEST_F(HttpServerTest, KnowsNoOtherPath) {
    serve({{"/hello", text("world\n")}});
    for (const char* path : {"/", "/hello/", "/../etc/passwd", "/%2e%2e"}) {
        const std::string response = http_request(port(), "GET", path);
        EXPECT_THAT(response, StartsWith("HTTP/1.1 404 ")) << path;
        EXPECT_THAT(body_of(response), HasSubstr("/metrics"));
    }
}

TEST_F(HttpServerTest, PassesStatusAndTypeOn) {
    serve({{"/sick", [](const HttpRequest&) {
                return HttpResponse{.status = 503, .content_type = "text/html", .body = "no"};
            }}});
    const std::string response = http_request(port(), "GET", "/sick");
    EXPECT_THAT(response, StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(response, HasSubstr("Content-Type: text/html\r\n"));
}

TEST_F(HttpServerTest, SendsABodyOfMegabytesWhole) {
    const std::string large(8 << 20, 'x');
    serve({{"/large", text(large)}});
    EXPECT_EQ(body_of(http_request(port(), "GET", "/large")), large);
}

TEST_F(HttpServerTest, RefusesHeadersWithoutEnd) {
    serve({{"/hello", text("world\n")}});
    const HttpClient client(port());
    client.send("GET /hello HTTP/1.1\r\nHost: localhost\r\nX-Long: " + std::string(64 * 1024, 'a'));
    const std::string response = client.receive();
    EXPECT_THAT(response, Not(HasSubstr("200 OK")));
    EXPECT_THAT(response, Not(HasSubstr("timeout")));
    EXPECT_EQ(body_of(http_request(port(), "GET", "/hello")), "world\n");
}

TEST_F(HttpServerTest, SurvivesWhatIsNotHttp) {
    serve({{"/hello", text("world\n")}});
    for (const std::string& bytes :
         {std::string("\0\1\2\3\r\n\r\n", 8), std::string("\r\n\r\n\r\n"), std::string("GET\r\n\r\n"),
          std::string("GET /hello HTTP/9.9\r\n\r\n"), std::string("\x16\x03\x01\x02\x00\x01\r\n\r\n", 10)}) {
        const HttpClient client(port());
        client.send(bytes);
        // Not every one of these gets an answer; none may stop the server.
    }
    EXPECT_EQ(body_of(http_request(port(), "GET", "/hello")), "world\n");
}

TEST_F(HttpServerTest, ClientsThatSayNothingDoNotHoldUpAnother) {
    serve({{"/hello", text("world\n")}});
    const std::vector<std::uint16_t> ports(3, port());
    const std::vector<HttpClient> silent(ports.begin(), ports.end());
    const HttpClient half(port());
    half.send("GET /hel");
    EXPECT_EQ(body_of(http_request(port(), "GET", "/hello")), "world\n");
    half.send("lo HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(body_of(half.receive()), "world\n");
}

TEST_F(HttpServerTest, AClientThatDoesNotReadDoesNotHoldUpAnother) {
    const std::string large(8 << 20, 'x'); // more than socket buffers take
    serve({{"/large", text(large)}, {"/hello", text("world\n")}});
    const HttpClient lazy(port());
    lazy.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(body_of(http_request(port(), "GET", "/hello")), "world\n");
    EXPECT_EQ(body_of(lazy.receive()), large);
}

TEST_F(HttpServerTest, BoundsTheConnectionsOfOneAddress) {
    serve({{"/hello", text("world\n")}});
    const std::vector<std::uint16_t> ports(32, port());
    {
        const std::vector<HttpClient> crowd(ports.begin(), ports.end());
        std::size_t answered = 0;
        for (const HttpClient& client : crowd) {
            client.send("GET /hello HTTP/1.1\r\nHost: localhost\r\n");
        }
        // Those beyond the limit are closed without an answer; the others still wait for the end of their headers.
        for (auto client = crowd.rbegin(); client != crowd.rend(); ++client) {
            client->send("\r\n");
            answered += body_of(client->receive()) == "world\n" ? 1U : 0U;
        }
        EXPECT_GT(answered, 0U);
        EXPECT_LT(answered, crowd.size());
    }
    EXPECT_EQ(body_of(http_request(port(), "GET", "/hello")), "world\n");
}

TEST_F(HttpServerTest, AHandlerThatRunsOutOfMemoryCostsItsConnectionOnly) {
    serve({{"/bad", [](const HttpRequest&) -> HttpResponse { throw std::bad_alloc(); }}, {"/hello", text("world\n")}});
    EXPECT_EQ(http_request(port(), "GET", "/bad"), "");
    EXPECT_EQ(body_of(http_request(port(), "GET", "/hello")), "world\n");
}

// The agent takes signals from a signalfd: no thread of its own may have one delivered.
TEST_F(HttpServerTest, ItsThreadTakesNoSignals) {
    serve({{"/mask", [](const HttpRequest&) {
                std::ifstream status("/proc/thread-self/status");
                std::string line;
                while (std::getline(status, line) && !line.starts_with("SigBlk:")) {
                }
                return HttpResponse{.body = line};
            }}});
    const std::string mask = body_of(http_request(port(), "GET", "/mask"));
    ASSERT_THAT(mask, StartsWith("SigBlk:"));
    const std::uint64_t blocked = std::stoull(mask.substr(7), nullptr, 16);
    for (const int signal : {SIGTERM, SIGHUP, SIGINT, SIGCHLD, SIGUSR1}) {
        EXPECT_TRUE((blocked >> (signal - 1)) & 1U) << signal;
    }
    sigset_t ours;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &ours);
    EXPECT_FALSE(::sigismember(&ours, SIGTERM)); // the caller's is as it was
}

TEST_F(HttpServerTest, StopsWhileClientsAreConnected) {
    serve({{"/hello", text("world\n")}});
    const HttpClient client(port());
    client.send("GET /hel");
    const std::uint16_t used = port();
    server_.reset();
    EXPECT_EQ(client.receive(), "");
    EXPECT_FALSE(HttpClient(used).connected());
}

TEST_F(HttpServerTest, APortInUseIsSaidSo) {
    serve({});
    const auto second = HttpServer::start("127.0.0.1:" + std::to_string(port()), {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().errno_value, EADDRINUSE);
    EXPECT_THAT(second.error().message, HasSubstr("another process listens there"));
}

} // namespace
} // namespace knell
