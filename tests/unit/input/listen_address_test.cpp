#include "agent/input/listen_address.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

using namespace std::string_literals;

namespace knell {
namespace {

struct GoodAddress {
    const char* text;
    const char* host;
    std::uint16_t port;
};

void PrintTo(const GoodAddress& row, std::ostream* out) {
    *out << row.text;
}

class ListenAddressAccepts : public testing::TestWithParam<GoodAddress> {};

TEST_P(ListenAddressAccepts, AndTakesItApart) {
    const Result<ListenAddress> address = parse_listen_address(GetParam().text);
    ASSERT_TRUE(address.has_value()) << address.error().message;
    EXPECT_EQ(address->host, GetParam().host);
    EXPECT_EQ(address->port, GetParam().port);
}

INSTANTIATE_TEST_SUITE_P(Forms, ListenAddressAccepts,
                         testing::Values(GoodAddress{"127.0.0.1:9477", "127.0.0.1", 9477},
                                         GoodAddress{"localhost:0", "localhost", 0},
                                         GoodAddress{"node-1.example_x.org:65535", "node-1.example_x.org", 65535},
                                         GoodAddress{":9477", "", 9477}, GoodAddress{"[::1]:9477", "::1", 9477},
                                         GoodAddress{"[::]:1", "::", 1},
                                         GoodAddress{"[fe80::1%eth0]:9477", "fe80::1%eth0", 9477}));

struct BadAddress {
    std::string text;
    const char* message;
};

void PrintTo(const BadAddress& row, std::ostream* out) {
    *out << testing::PrintToString(row.text);
}

class ListenAddressRefuses : public testing::TestWithParam<BadAddress> {};

TEST_P(ListenAddressRefuses, AndSaysWhy) {
    const Result<ListenAddress> address = parse_listen_address(GetParam().text);
    ASSERT_FALSE(address.has_value());
    EXPECT_EQ(address.error().message, GetParam().message);
}

#define FORM " (write host:port like 127.0.0.1:9477, [::1]:9477, or :9477 for all addresses)"
#define PORT " is not a port (write a number from 0 to 65535; 0 lets the kernel choose)"

INSTANTIATE_TEST_SUITE_P(
    Forms, ListenAddressRefuses,
    testing::Values(
        BadAddress{"", "\"\" has no port" FORM}, BadAddress{"9477", "\"9477\" has no port" FORM},
        BadAddress{"a:", "\"\"" PORT}, BadAddress{"a:65536", "\"65536\"" PORT}, BadAddress{"a:-1", "\"-1\"" PORT},
        BadAddress{"a:80x", "\"80x\"" PORT}, BadAddress{"a:http", "\"http\"" PORT},
        BadAddress{"::1:9477",
                   "\"::1:9477\" has more than one colon (an IPv6 address needs brackets, like [::1]:9477)"},
        BadAddress{"[]:1", "\"\" is not an IPv6 address" FORM},
        BadAddress{"[1.2.3.4]:1", "\"1.2.3.4\" is not an IPv6 address" FORM},
        // The C library's functions see the text up to a NUL, and nobody looks behind the '%'.
        BadAddress{"[::1\0x]:1"s, "\"::1\\x00x\" is not an IPv6 address" FORM},
        BadAddress{"[fe80::1%]:1", "\"fe80::1%\" is not an IPv6 address" FORM},
        BadAddress{"[fe80::1%e\n]:1", "\"fe80::1%e\\x0a\" is not an IPv6 address" FORM},
        BadAddress{"[fe80::1%a/b]:1", "\"fe80::1%a/b\" is not an IPv6 address" FORM},
        BadAddress{"[fe80::1%sixteen_bytes_is]:1", "\"fe80::1%sixteen_bytes_is\" is not an IPv6 address" FORM},
        BadAddress{"[::1:1", "\"[::1:1\" has more than one colon (an IPv6 address needs brackets, like [::1]:9477)"},
        BadAddress{"http//a:1", "\"http//a\" is not a host" FORM}, BadAddress{"a b:1", "\"a b\" is not a host" FORM}));

} // namespace
} // namespace knell
