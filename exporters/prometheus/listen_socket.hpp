#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

#include <cstdint>
#include <string>

namespace knell {

struct ListenSocket {
    Fd fd;
    std::uint16_t port = 0; // the kernel's choice where port 0 was asked for
};

// Listens on "host:port", "[v6]:port" or ":port" (every interface): of several addresses of a name on the first that
// works. Failures say which next step helps.
Result<ListenSocket> open_listen_socket(const std::string& listen);

} // namespace knell
