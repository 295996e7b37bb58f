#include "exporters/prometheus/listen_socket.hpp"

#include "agent/input/listen_address.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <expected>
#include <memory>
#include <utility>
#include <vector>

namespace knell {

namespace {

// A scraper or two and a person: the kernel need not hold more connections that nobody has accepted.
constexpr int kBacklog = 64;

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Result<Addresses> resolve(const ListenAddress& address, const std::string& tried) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const char* host = address.host.empty() ? nullptr : address.host.c_str();
    const int answer = ::getaddrinfo(host, std::to_string(address.port).c_str(), &hints, &list);
    if (answer == EAI_SYSTEM) {
        return system_failure(tried, errno);
    }
    if (answer != 0) {
        return failure(fmt::format("{}: the host cannot be resolved: {} (use an address of this machine, such as "
                                   "127.0.0.1)",
                                   tried, ::gai_strerror(answer)));
    }
    return Addresses(list);
}

// The addresses in the order to try them. Without a host, IPv6 first: such a socket takes IPv4 connections as well.
std::vector<const addrinfo*> candidates(const Addresses& addresses, bool any_host) {
    std::vector<const addrinfo*> order;
    for (const addrinfo* entry = addresses.get(); entry != nullptr; entry = entry->ai_next) {
        order.insert(any_host && entry->ai_family == AF_INET6 ? order.begin() : order.end(), entry);
    }
    return order;
}

// The errno of the first step that failed.
std::expected<Fd, int> listen_at(const addrinfo& address, bool any_host) {
    Fd fd(::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol));
    if (!fd) {
        return std::unexpected(errno);
    }
    const int on = 1;
    const int v6_only = any_host ? 0 : 1;
    // Without SO_REUSEADDR a restarted agent would have to wait for its predecessor's connections to leave TIME_WAIT.
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (address.ai_family == AF_INET6 &&
         ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only) != 0) ||
        ::bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0 || ::listen(fd.get(), kBacklog) != 0) {
        return std::unexpected(errno);
    }
    return fd;
}

Failure explain(const std::string& tried, int error, const ListenAddress& address) {
    switch (error) {
    case EADDRINUSE:
        return system_failure(tried, error,
                              fmt::format("another process listens there, `ss -ltnp sport = :{}` names it; stop it or "
                                          "choose another port with `listen`",
                                          address.port));
    case EADDRNOTAVAIL:
        return system_failure(tried, error,
                              fmt::format("no interface of this machine has the address {}; `ip address` lists those "
                                          "that exist",
                                          address.host));
    case EACCES:
        return system_failure(tried, error,
                              "ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE; choose a "
                              "port from 1024 on");
    default:
        return system_failure(tried, error);
    }
}

Result<std::uint16_t> bound_port(const Fd& fd) {
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
        return system_failure("asking for the port that is listened to", errno);
    }
    const in_port_t port = bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&bound)->sin6_port
                                                       : reinterpret_cast<const sockaddr_in*>(&bound)->sin_port;
    return ntohs(port);
}

} // namespace

Result<ListenSocket> open_listen_socket(const std::string& listen) {
    const std::string tried = fmt::format("listening for HTTP on {}", listen);
    const Result<ListenAddress> address = parse_listen_address(listen);
    if (!address) {
        return failure_in(tried, address.error());
    }
    const Result<Addresses> addresses = resolve(*address, tried);
    if (!addresses) {
        return Failure(addresses.error());
    }
    int first_error = 0;
    for (const addrinfo* candidate : candidates(*addresses, address->host.empty())) {
        std::expected<Fd, int> fd = listen_at(*candidate, address->host.empty());
        if (!fd) {
            first_error = first_error != 0 ? first_error : fd.error();
            continue;
        }
        const Result<std::uint16_t> port = bound_port(*fd);
        if (!port) {
            return Failure(port.error());
        }
        return ListenSocket{.fd = std::move(*fd), .port = *port};
    }
    return explain(tried, first_error, *address);
}

} // namespace knell
