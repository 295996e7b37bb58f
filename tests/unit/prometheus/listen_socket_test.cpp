#include "exporters/prometheus/listen_socket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace knell {
namespace {

using ::testing::HasSubstr;

bool ipv6_works() {
    const Fd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 loopback{};
    loopback.sin6_family = AF_INET6;
    loopback.sin6_addr = in6addr_loopback;
    return fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&loopback), sizeof loopback) == 0;
}

int family_of(const ListenSocket& socket) {
    int family = 0;
    socklen_t size = sizeof family;
    ::getsockopt(socket.fd.get(), SOL_SOCKET, SO_DOMAIN, &family, &size);
    return family;
}

TEST(ListenSocket, TakesAPortOfTheKernelsChoice) {
    const auto first = open_listen_socket("127.0.0.1:0");
    const auto second = open_listen_socket("localhost:0");
    ASSERT_TRUE(first) << first.error().message;
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_NE(first->port, 0);
    EXPECT_NE(first->port, second->port);
    EXPECT_EQ(family_of(*first), AF_INET);
}

TEST(ListenSocket, ListensOnIpv6) {
    if (!ipv6_works()) {
        GTEST_SKIP() << "this machine has no IPv6 loopback address";
    }
    const auto socket = open_listen_socket("[::1]:0");
    ASSERT_TRUE(socket) << socket.error().message;
    EXPECT_EQ(family_of(*socket), AF_INET6);
}

// Without a host both families get in.
TEST(ListenSocket, WithoutAHostTakesIpv4Connections) {
    const auto socket = open_listen_socket(":0");
    ASSERT_TRUE(socket) << socket.error().message;
    const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in loopback{};
    loopback.sin_family = AF_INET;
    loopback.sin_port = htons(socket->port);
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&loopback), sizeof loopback), 0);
}

TEST(ListenSocket, AnAddressOfAnotherMachineIsSaidSo) {
    const auto socket = open_listen_socket("192.0.2.1:0"); // RFC 5737: nobody's
    ASSERT_FALSE(socket);
    EXPECT_EQ(socket.error().errno_value, EADDRNOTAVAIL);
    EXPECT_THAT(socket.error().message, HasSubstr("no interface of this machine has the address 192.0.2.1"));
}

// An interface that does not exist: refused without asking a name server.
TEST(ListenSocket, AHostWithoutAnAddressIsSaidSo) {
    const auto socket = open_listen_socket("[fe80::1%no-such-if]:0");
    ASSERT_FALSE(socket);
    EXPECT_THAT(socket.error().message, HasSubstr("the host cannot be resolved"));
}

TEST(ListenSocket, WhatIsNotAnAddressIsSaidSo) {
    const auto socket = open_listen_socket("9477");
    ASSERT_FALSE(socket);
    EXPECT_THAT(socket.error().message, HasSubstr("listening for HTTP on 9477: "));
}

} // namespace
} // namespace knell
