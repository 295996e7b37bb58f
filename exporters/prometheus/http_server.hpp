#pragma once

#include "agent/base/result.hpp"
#include "exporters/prometheus/listen_socket.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

struct MHD_Daemon;

namespace knell {

struct HttpResponse {
    unsigned status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
};

struct HttpRequest {
    std::string accept; // all Accept headers, joined by commas as RFC 9110 (5.3) reads them; empty: none
};

// Answers GET and HEAD of a path. Runs on the server's thread.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;
using Routes = std::map<std::string, HttpHandler, std::less<>>;

// A small HTTP/1.1 server on one thread of its own, so that no client and no scrape delays the loop. The thread sleeps
// without a timeout while there is no connection. libmicrohttpd parses; this class bounds: connections, connections per
// address, header size, idle time. Each response closes its connection, which therefore never waits for a next request.
class HttpServer {
  public:
    // Listens on "host:port" (port 0: the kernel chooses) and serves until destroyed. What the routes refer to must
    // live as long.
    static Result<std::unique_ptr<HttpServer>> start(const std::string& listen, Routes routes);
    // The same on a socket that listens already: its thread may have less privileges than it took to open it.
    static Result<std::unique_ptr<HttpServer>> start(ListenSocket socket, Routes routes);

    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    // Waits for the request that is being answered.
    ~HttpServer();

    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    HttpServer(Routes routes, std::uint16_t port);
    struct Callbacks;

    const Routes routes_;
    std::uint16_t port_;
    MHD_Daemon* daemon_ = nullptr;
};

} // namespace knell
