#include "agent/input/listen_address.hpp"

#include "agent/input/quoted.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace knell {

namespace {

constexpr std::size_t kMaxHost = 253; // a domain name's limit, RFC 1035 section 2.3.4 without the root's dot
constexpr std::string_view kHint = "write host:port like 127.0.0.1:9477, [::1]:9477, or :9477 for all addresses";

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(port) : std::nullopt;
}

// What the kernel takes for one (net/core/dev.c, dev_valid_name()), as far as it can be printed.
bool is_interface(std::string_view text) {
    return !text.empty() && text.size() < IF_NAMESIZE &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F && c != '/' && c != ':'; });
}

bool is_ipv6(std::string_view text) {
    // A link-local address needs its interface, "fe80::1%eth0"; inet_pton() knows only what is before it.
    const std::size_t percent = text.find('%');
    const std::string address(text.substr(0, percent));
    in6_addr parsed{};
    // Nor does it look behind a NUL.
    return !address.contains('\0') && ::inet_pton(AF_INET6, address.c_str(), &parsed) == 1 &&
           (percent == std::string_view::npos || is_interface(text.substr(percent + 1)));
}

bool is_host_name(std::string_view text) {
    return text.size() <= kMaxHost && std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                      c == '-' || c == '_';
           });
}

} // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return failure(fmt::format("{} has no port ({})", quoted(text), kHint));
    }
    std::string_view host = text.substr(0, colon);
    const std::string_view port_text = text.substr(colon + 1);
    const auto port = parse_port(port_text);
    if (!port) {
        return failure(fmt::format("{} is not a port (write a number from 0 to 65535; 0 lets the kernel choose)",
                                   quoted(port_text)));
    }
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        if (!is_ipv6(host)) {
            return failure(fmt::format("{} is not an IPv6 address ({})", quoted(host), kHint));
        }
    } else if (host.find(':') != std::string_view::npos) {
        return failure(
            fmt::format("{} has more than one colon (an IPv6 address needs brackets, like [::1]:9477)", quoted(text)));
    } else if (!is_host_name(host)) {
        return failure(fmt::format("{} is not a host ({})", quoted(host), kHint));
    }
    return ListenAddress{.host = std::string(host), .port = *port};
}

} // namespace knell
