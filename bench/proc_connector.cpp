#include "bench/watcher.hpp"

#include "agent/base/fd.hpp"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <unordered_set>

// The kernel tells every fork, exec and exit of the machine over netlink: what forkstat and others build on.

namespace knell::bench {
namespace {

class ProcConnector final : public Watcher {
  public:
    ProcConnector(Fd socket, Fd stop) : socket_(std::move(socket)), stop_(std::move(stop)) {}

    Result<> watch(const std::vector<pid_t>& pids, Slots*) override {
        wanted_.insert(pids.begin(), pids.end());
        // A control message to the connector (Documentation/driver-api/connector.rst): netlink's header, the
        // connector's, the operation.
        alignas(nlmsghdr) std::array<char, NLMSG_SPACE(sizeof(cn_msg) + sizeof(proc_cn_mcast_op))> bytes{};
        auto* header = reinterpret_cast<nlmsghdr*>(bytes.data());
        header->nlmsg_len = NLMSG_LENGTH(sizeof(cn_msg) + sizeof(proc_cn_mcast_op));
        header->nlmsg_type = NLMSG_DONE;
        auto* message = static_cast<cn_msg*>(NLMSG_DATA(header));
        message->id = {.idx = CN_IDX_PROC, .val = CN_VAL_PROC};
        message->len = sizeof(proc_cn_mcast_op);
        constexpr proc_cn_mcast_op kListen = PROC_CN_MCAST_LISTEN;
        std::memcpy(message->data, &kListen, sizeof kListen);
        if (::send(socket_.get(), bytes.data(), header->nlmsg_len, 0) < 0) {
            return system_failure("subscribing to the proc connector", errno);
        }
        return {};
    }

    Result<> run() override {
        std::array<pollfd, 2> waits = {{{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
        for (;;) {
            if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) {
                return system_failure("poll", errno);
            }
            if (waits[1].revents != 0) {
                return {};
            }
            if (auto read = read_events(); !read) {
                return read;
            }
        }
    }

    void stop() override { (void)::eventfd_write(stop_.get(), 1); }

  private:
    Result<> read_events() {
        alignas(nlmsghdr) std::array<char, 16384> buffer;
        for (;;) {
            const ssize_t length = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (length < 0) {
                // ENOBUFS: messages were lost; what is lost shows in handled().
                return errno == EAGAIN || errno == ENOBUFS ? Result<>() : system_failure("reading netlink", errno);
            }
            auto left = static_cast<unsigned>(length);
            for (const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(header, left);
                 header = NLMSG_NEXT(header, left)) {
                handle(*header);
            }
        }
    }

    void handle(const nlmsghdr& header) {
        const auto* message = static_cast<const cn_msg*>(NLMSG_DATA(&header));
        proc_event event{};
        std::memcpy(&event, message->data, std::min<std::size_t>(message->len, sizeof event));
        const auto& exit = event.event_data.exit;
        if (event.what == proc_event::PROC_EVENT_EXIT && exit.process_pid == exit.process_tgid &&
            wanted_.erase(exit.process_pid) != 0) {
            count_handled();
        }
    }

    Fd socket_;
    Fd stop_;
    std::unordered_set<pid_t> wanted_;
};

Result<std::unique_ptr<Watcher>> make() {
    Fd socket(::socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR));
    Fd stop(::eventfd(0, EFD_CLOEXEC));
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = CN_IDX_PROC;
    if (!socket || !stop || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return system_failure("opening the proc connector", errno, "CONFIG_PROC_EVENTS, the initial namespaces");
    }
    // As large as it may get: what overflows is lost.
    const int bytes = 64 << 20;
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    return std::make_unique<ProcConnector>(std::move(socket), std::move(stop));
}

} // namespace

Contestant proc_connector() {
    return {"proc connector", make};
}

} // namespace knell::bench
