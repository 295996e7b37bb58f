#include "exporters/prometheus/http_server.hpp"

#include "agent/base/signals_blocked.hpp"

#include <microhttpd.h>
#include <strings.h>

#include <cerrno>
#include <exception>
#include <string_view>
#include <utility>

namespace knell {

namespace {

// Two Prometheus servers, a kubelet's probes and a person with a browser are eight connections at the worst moment. A
// client that reads slowly holds one body of at most some megabytes, so these bound the memory too.
constexpr unsigned kMaxConnections = 16;
constexpr unsigned kMaxConnectionsPerAddress = 8;
// Request line, headers and libmicrohttpd's own bookkeeping: a request that does not fit is refused.
constexpr std::size_t kConnectionMemory = 16'384;
// Without a byte in either direction. A client that drips bytes keeps its connection, one of its address' eight.
constexpr unsigned kIdleTimeoutSeconds = 10;

// For browsers: they load what this server has and nothing else, run and apply nothing that stands in a page, and show
// no page of ours within another's. So a name that were taken for markup in spite of all could still do nothing.
constexpr const char* kPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                                "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

void free_body(void* body) {
    delete static_cast<std::string*>(body);
}

// A response over `answer`'s body, which is not copied: it may be megabytes.
MHD_Response* make_response(HttpResponse answer) {
    auto body = std::make_unique<std::string>(std::move(answer.body));
    MHD_Response* response =
        ::MHD_create_response_from_buffer_with_free_callback_cls(body->size(), body->data(), &free_body, body.get());
    if (response == nullptr) {
        return nullptr;
    }
    [[maybe_unused]] const std::string* given_away = body.release(); // to free_body
    ::MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.content_type.c_str());
    ::MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    ::MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    ::MHD_add_response_header(response, "Content-Security-Policy", kPolicy);
    if (answer.status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        ::MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    }
    return response;
}

MHD_Result append_accept(void* accept, MHD_ValueKind /*kind*/, const char* key, const char* value) {
    std::string& joined = *static_cast<std::string*>(accept);
    if (value != nullptr && ::strcasecmp(key, MHD_HTTP_HEADER_ACCEPT) == 0) {
        joined.append(joined.empty() ? "" : ",").append(value);
    }
    return MHD_YES;
}

HttpResponse respond(const Routes& routes, std::string_view method, std::string_view path, MHD_Connection* connection) {
    if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD) {
        return {.status = MHD_HTTP_METHOD_NOT_ALLOWED, .body = "only GET and HEAD are answered here\n"};
    }
    const auto route = routes.find(path);
    if (route == routes.end()) {
        return {.status = MHD_HTTP_NOT_FOUND, .body = "there is nothing here; the metrics are at /metrics\n"};
    }
    HttpRequest request;
    ::MHD_get_connection_values(connection, MHD_HEADER_KIND, &append_accept, &request.accept);
    return route->second(request);
}

} // namespace

struct HttpServer::Callbacks {
    // Called once per request when its headers are complete, as the response is queued at once: what a client sends
    // after them is never read. HEAD's body is left out by libmicrohttpd.
    static MHD_Result handle(void* server, MHD_Connection* connection, const char* url, const char* method,
                             const char* /*version*/, const char* /*body*/, std::size_t* /*body_size*/,
                             void** /*request*/) noexcept {
        // Out of memory, most likely: no exception may unwind through C. MHD_NO closes this connection alone.
        try {
            HttpResponse answer = respond(static_cast<const HttpServer*>(server)->routes_, method, url, connection);
            const unsigned status = answer.status;
            MHD_Response* response = make_response(std::move(answer));
            if (response == nullptr) {
                return MHD_NO;
            }
            const MHD_Result queued = ::MHD_queue_response(connection, status, response);
            ::MHD_destroy_response(response);
            return queued;
        } catch (const std::exception&) {
            return MHD_NO;
        }
    }
};

HttpServer::HttpServer(Routes routes, std::uint16_t port) : routes_(std::move(routes)), port_(port) {}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& listen, Routes routes) {
    Result<ListenSocket> socket = open_listen_socket(listen);
    if (!socket) {
        return Failure(socket.error());
    }
    return start(*std::move(socket), std::move(routes));
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(ListenSocket socket, Routes routes) {
    std::unique_ptr<HttpServer> server(new HttpServer(std::move(routes), socket.port));
    // The socket is libmicrohttpd's whatever it answers: most of its failures close it (daemon.c of 0.9.75). One that
    // does not leaks a descriptor; a second close of ours could hit a stranger's.
    const int listening = socket.fd.release();
    // The agent takes its signals from a signalfd: a thread that left one unblocked would have the default action run.
    const SignalsBlocked blocked;
    errno = 0;
    // clang-format off: one option a line
    server->daemon_ = ::MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, nullptr, nullptr, &Callbacks::handle, server.get(),
        MHD_OPTION_LISTEN_SOCKET, listening,
        MHD_OPTION_CONNECTION_LIMIT, kMaxConnections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, kMaxConnectionsPerAddress,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemory,
        MHD_OPTION_CONNECTION_TIMEOUT, kIdleTimeoutSeconds,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_END);
    // clang-format on
    if (server->daemon_ == nullptr) {
        return system_failure("starting the HTTP thread on port " + std::to_string(socket.port),
                              errno != 0 ? errno : ENOMEM,
                              "libmicrohttpd could not create its thread, epoll or event descriptor; see the limits "
                              "on processes and open files");
    }
    return server;
}

HttpServer::~HttpServer() {
    if (daemon_ != nullptr) {
        ::MHD_stop_daemon(daemon_);
    }
}

} // namespace knell
