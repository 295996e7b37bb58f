#include "tests/bpf/probe_under_test.hpp"

#include "agent/base/fd.hpp"
#include "agent/probe/decode.hpp"
#include "tests/bpf/drain_all.hpp"
#include "tests/bpf/scene.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <stdexcept>
#include <variant>

namespace knell::test {

ProbeUnderTest::ProbeUnderTest(const ProbeOptions& options) : probe_(must(Probe::load(options))) {}

const Feature& ProbeUnderTest::feature(const std::string& name) const {
    const auto found = std::ranges::find(probe_->features(), name, &Feature::name);
    if (found == probe_->features().end()) {
        throw std::runtime_error("there is no feature " + name);
    }
    return *found;
}

void ProbeUnderTest::drain() {
    drain_all(probe_->ring(), [this](std::span<const std::byte> bytes) {
        const Record record = decode(bytes);
        if (const auto* exit = std::get_if<const knell_exit*>(&record)) {
            exits_.push_back(**exit);
        } else if (const auto* pidfd = std::get_if<const knell_pidfd*>(&record)) {
            pidfds_.push_back(**pidfd);
        }
    });
}

knell_exit ProbeUnderTest::exit_of(pid_t pid) {
    drain();
    std::vector<knell_exit> found;
    std::ranges::copy_if(exits_, std::back_inserter(found), [&](const knell_exit& exit) {
        return exit.process.pid == static_cast<std::uint32_t>(pid) && exit.process.start_ns >= start_;
    });
    if (found.size() != 1) {
        throw std::runtime_error(std::to_string(found.size()) + " exits of process " + std::to_string(pid));
    }
    return found.front();
}

std::vector<knell_pidfd> ProbeUnderTest::pidfds_made_by(pid_t pid) {
    drain();
    std::vector<knell_pidfd> found;
    std::ranges::copy_if(pidfds_, std::back_inserter(found),
                         [&](const knell_pidfd& pidfd) { return pidfd.opener.pid == static_cast<std::uint32_t>(pid); });
    return found;
}

ForkedChild::ForkedChild(const std::function<int()>& run) : pid_(::fork()) {
    if (pid_ < 0) {
        throw std::runtime_error("fork");
    }
    if (pid_ == 0) {
        ::_exit(run());
    }
}

ForkedChild::~ForkedChild() {
    if (!reaped_) {
        (void)::kill(pid_, SIGKILL);
        (void)::waitpid(pid_, nullptr, 0);
    }
}

ForkedChild::End ForkedChild::wait() {
    End end;
    pid_t answer = 0;
    do {
        answer = ::wait4(pid_, &end.status, 0, &end.usage);
    } while (answer < 0 && errno == EINTR);
    if (answer != pid_) {
        throw std::runtime_error("wait4");
    }
    reaped_ = true;
    return end;
}

Gate::Gate() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        throw std::runtime_error("pipe2");
    }
    read_ = Fd(ends[0]);
    write_ = Fd(ends[1]);
}

void Gate::open() {
    write_.reset();
}

void Gate::pass() {
    write_.reset(); // ours must not keep it shut
    char nothing = 0;
    while (::read(read_.get(), &nothing, 1) < 0 && errno == EINTR) {
    }
}

} // namespace knell::test
