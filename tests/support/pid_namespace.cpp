#include "tests/support/pid_namespace.hpp"

#include "agent/pidfd/clone3.hpp"
#include "agent/pidfd/descriptors.hpp"
#include "agent/pidfd/procfd.hpp"
#include "tests/support/children.hpp"
#include "tests/support/clone.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <string_view>
#include <system_error>
#include <vector>

namespace knell::test {
namespace {

// What an init is asked to do.
struct Request {
    enum class Kind { start_sleeper, start_namespace, reap, open_procfs };
    Kind kind = Kind::start_sleeper;
    pid_t number = 0;
};

struct Reply {
    int value = 0; // a number, or a negated errno
    std::vector<Fd> descriptors{};
};

template <typename T>
std::string_view bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

std::array<Fd, 2> make_line() {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    return {Fd(ends[0]), Fd(ends[1])};
}

[[noreturn]] void serve(Fd control);

Reply start_namespace() {
    auto [ours, theirs] = make_line();
    auto init = clone3(CLONE_NEWPID | CLONE_PIDFD, SIGCHLD);
    if (!init) {
        return {-init.error().errno_value};
    }
    if (init->pid == 0) {
        ours.reset();
        serve(std::move(theirs));
    }
    Reply reply{init->pid};
    reply.descriptors.push_back(std::move(init->pidfd));
    reply.descriptors.push_back(std::move(ours));
    return reply;
}

Reply start_sleeper(pid_t number) {
    const auto child = clone_process({.pid = number});
    if (!child) {
        return {-child.error().errno_value};
    }
    while (*child == 0) {
        ::pause();
    }
    Reply reply{*child};
    reply.descriptors.push_back(open_pidfd(*child)); // a child of ours: the number cannot be recycled
    return reply;
}

Reply answer(const Request& request) {
    switch (request.kind) {
    case Request::Kind::start_sleeper:
        return start_sleeper(request.number);
    case Request::Kind::start_namespace:
        return start_namespace();
    case Request::Kind::reap:
        return {::waitpid(request.number, nullptr, __WALL) < 0 ? -errno : request.number};
    case Request::Kind::open_procfs:
        break;
    }
    auto root = procfd::private_root();
    if (!root) {
        return {-root.error().errno_value};
    }
    Reply reply;
    reply.descriptors.push_back(std::move(*root));
    return reply;
}

void send_reply(const Fd& control, const Reply& reply) {
    if (reply.descriptors.empty()) {
        (void)::send(control.get(), &reply.value, sizeof(reply.value), MSG_NOSIGNAL);
        return;
    }
    std::vector<int> numbers;
    for (const Fd& descriptor : reply.descriptors) {
        numbers.push_back(descriptor.get());
    }
    (void)send_descriptors(control, bytes_of(reply.value), numbers);
}

// The life of an init. It ends when the test closes its end, also by dying.
void serve(Fd control) {
    Request request;
    while (::recv(control.get(), &request, sizeof(request), 0) == sizeof(request)) {
        send_reply(control, answer(request));
    }
    ::_exit(0);
}

Reply ask(const Fd& control, const Request& request) {
    if (::send(control.get(), &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request)) {
        throw std::system_error(errno, std::generic_category(), "asking the init of a pid namespace");
    }
    auto received = value_of(receive_descriptors(control));
    Reply reply;
    if (received.message.size() != sizeof(reply.value)) {
        throw std::runtime_error("the init of a pid namespace died");
    }
    std::memcpy(&reply.value, received.message.data(), sizeof(reply.value));
    if (reply.value < 0) {
        throw std::system_error(-reply.value, std::generic_category(), "in the init of a pid namespace");
    }
    reply.descriptors = std::move(received.descriptors);
    return reply;
}

void await_death(const Pidfd& process) {
    pollfd poll{.fd = process.fd(), .events = POLLIN, .revents = 0};
    if (::poll(&poll, 1, static_cast<int>(kPatience.count())) != 1) {
        throw std::runtime_error("a process in a pid namespace did not die");
    }
}

Fd open_namespace(const Pidfd& process) {
    return value_of(process.open_namespace(NamespaceKind::pid));
}

} // namespace

PidNamespace::Start PidNamespace::start_here() {
    Reply reply = start_namespace();
    if (reply.value < 0) {
        throw std::system_error(-reply.value, std::generic_category(), "making a pid namespace");
    }
    return {value_of(Pidfd::adopt(std::move(reply.descriptors[0]))), reply.value, std::move(reply.descriptors[1])};
}

PidNamespace::Start PidNamespace::start_in(const PidNamespace& parent) {
    Reply reply = ask(parent.control_, {Request::Kind::start_namespace});
    return {value_of(Pidfd::adopt(std::move(reply.descriptors.at(0)))), reply.value,
            std::move(reply.descriptors.at(1))};
}

PidNamespace::PidNamespace(const PidNamespace* parent, Start start)
    : parent_(parent), init_(std::move(start.init)), init_number_(start.number), control_(std::move(start.control)),
      fd_(open_namespace(init_)) {}

PidNamespace::PidNamespace() : PidNamespace(nullptr, start_here()) {}

PidNamespace::PidNamespace(const PidNamespace& parent) : PidNamespace(&parent, start_in(parent)) {}

PidNamespace::~PidNamespace() {
    try {
        end();
    } catch (const std::exception&) { // the namespace above has ended before, and this one with it
    }
}

PidNamespace::Member PidNamespace::start_sleeper(pid_t number) const {
    Reply reply = ask(control_, {Request::Kind::start_sleeper, number});
    return {value_of(Pidfd::adopt(std::move(reply.descriptors.at(0)))), reply.value};
}

PidNamespace::Member PidNamespace::start_zombie() const {
    Member member = start_sleeper();
    (void)member.pidfd.send_signal(SIGKILL);
    await_death(member.pidfd);
    return member;
}

void PidNamespace::reap(const Member& member) const {
    (void)ask(control_, {Request::Kind::reap, member.number});
}

Fd PidNamespace::open_procfs() const {
    return std::move(ask(control_, {Request::Kind::open_procfs}).descriptors.at(0));
}

void PidNamespace::end() {
    if (std::exchange(ended_, true)) {
        return;
    }
    (void)init_.send_signal(SIGKILL);
    if (parent_ != nullptr) {
        (void)ask(parent_->control_, {Request::Kind::reap, init_number_});
        return;
    }
    while (::waitpid(init_number_, nullptr, __WALL) < 0 && errno == EINTR) {
    }
}

} // namespace knell::test
