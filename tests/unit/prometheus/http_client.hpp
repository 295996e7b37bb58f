#pragma once

#include "agent/base/fd.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace knell {

// A client over loopback that sends exactly the bytes of the test.
class HttpClient {
  public:
    explicit HttpClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        // A server that does not answer must fail the test, not hang it.
        const timeval patience{.tv_sec = 20, .tv_usec = 0};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }

    [[nodiscard]] bool connected() const { return connected_; }

    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                return false;
            }
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    // Everything until the server closes; "timeout" appended when it does not.
    [[nodiscard]] std::string receive() const {
        std::string received;
        std::array<char, 65536> buffer{};
        for (;;) {
            const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
            if (size < 0) {
                return errno == EAGAIN ? received + "timeout" : received;
            }
            if (size == 0) {
                return received;
            }
            received.append(buffer.data(), static_cast<std::size_t>(size));
        }
    }

  private:
    Fd fd_;
    bool connected_ = false;
};

// One request, the whole answer. `headers`: more of them, each with its line end.
inline std::string http_request(std::uint16_t port, std::string_view method, std::string_view path,
                                std::string_view headers = {}) {
    const HttpClient client(port);
    client.send(std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" +
                std::string(headers) + "\r\n");
    return client.receive();
}

inline std::string body_of(const std::string& response) {
    const std::size_t end = response.find("\r\n\r\n");
    return end == std::string::npos ? "" : response.substr(end + 4);
}

} // namespace knell
