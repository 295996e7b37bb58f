#pragma once

#include "agent/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace knell {

// Where a server listens.
struct ListenAddress {
    std::string host;       // a name, an IPv4 or an IPv6 address (without brackets); empty = all addresses
    std::uint16_t port = 0; // 0 = the kernel chooses
};

// "host:port", "[v6]:port" or ":port". Checks the form; whether a name resolves shows when it is used.
Result<ListenAddress> parse_listen_address(std::string_view text);

} // namespace knell
