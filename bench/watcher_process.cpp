#include "bench/watcher_process.hpp"

#include "bench/memory.hpp"
#include "bench/program.hpp"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace knell::bench {
namespace {

constexpr Nanoseconds kPatience = 10 * kSecond;
// A message of the socket pair: numbers, or after this mark why there are none.
constexpr char kNumbers = 'n';
constexpr char kFailure = 'f';
constexpr std::size_t kLongestMessage = 128UL << 10;

void send(int socket, const Result<std::vector<double>>& numbers) {
    std::string message(1, numbers ? kNumbers : kFailure);
    if (numbers) {
        message.append(reinterpret_cast<const char*>(numbers->data()), numbers->size() * sizeof(double));
    } else {
        message.append(numbers.error().message);
    }
    // Who does not listen any more has ended.
    (void)::send(socket, message.data(), message.size(), MSG_NOSIGNAL);
}

Result<std::vector<double>> receive(int socket) {
    std::string message(kLongestMessage, '\0');
    const ssize_t size = ::recv(socket, message.data(), message.size(), 0);
    if (size <= 0) {
        return size < 0 ? system_failure("waiting for a process that watches", errno)
                        : failure("a process that watches has ended early");
    }
    message.resize(static_cast<std::size_t>(size));
    if (message.front() == kFailure) {
        return failure(message.substr(1));
    }
    std::vector<double> numbers((message.size() - 1) / sizeof(double));
    std::memcpy(numbers.data(), message.data() + 1, numbers.size() * sizeof(double));
    return numbers;
}

// What the watching process does: tells its memory, waits to be asked, tells its latencies.
Result<std::vector<double>> watch(int socket, const Contestant& contestant, const std::vector<pid_t>& pids,
                                  Slots& slots) {
    const double before = memory_now().own_bytes;
    auto watching = WatcherThread::start(contestant, pids, &slots);
    if (!watching) {
        return std::unexpected(std::move(watching.error()));
    }
    send(socket, std::vector<double>{memory_now().own_bytes - before});
    const auto deaths = receive(socket);
    if (!deaths) {
        return deaths;
    }
    const auto expected = static_cast<std::uint64_t>(deaths->front());
    if (!eventually([&] { return (*watching)->handled() >= expected; }, kPatience)) {
        return failure(contestant.name + " noticed " + std::to_string((*watching)->handled()) + " of " +
                       std::to_string(expected) + " deaths");
    }
    return (*watching)->finish();
}

} // namespace

Result<WatcherProcess> WatcherProcess::start(const Contestant& contestant, const std::vector<pid_t>& pids,
                                             Slots& slots) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return system_failure("socketpair", errno);
    }
    Fd ours(ends[0]);
    Fd theirs(ends[1]);
    const pid_t owner = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
        return system_failure("fork", errno);
    }
    if (pid == 0) {
        ours.reset();
        if (::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && ::getppid() == owner) {
            send(theirs.get(), watch(theirs.get(), contestant, pids, slots));
        }
        ::_exit(0); // what the owner has is not ours to destroy
    }
    WatcherProcess process(std::move(ours), pid);
    theirs.reset(); // so that its end is seen
    const auto grown = receive(process.connection_.get());
    if (!grown) {
        return std::unexpected(grown.error());
    }
    process.own_bytes_ = grown->front();
    return process;
}

Result<std::vector<double>> WatcherProcess::finish(std::uint64_t deaths) {
    send(connection_.get(), std::vector<double>{static_cast<double>(deaths)});
    return receive(connection_.get());
}

WatcherProcess::~WatcherProcess() {
    if (pid_ > 0) {
        (void)::kill(pid_, SIGKILL);
        (void)::waitpid(pid_, nullptr, 0);
    }
}

} // namespace knell::bench
