#include "bench/program.hpp"

#include "agent/pidfd/numbers.hpp"
#include "agent/pidfd/spawn.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <sstream>
#include <utility>

namespace knell::bench {
namespace {

constexpr Nanoseconds kPatience = 20 * kSecond;

Result<std::string> contents(const Fd& file) {
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) {
        return system_failure("looking at what a program wrote", errno);
    }
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t have = 0;
    while (have < text.size()) {
        const ssize_t got = ::pread(file.get(), text.data() + have, text.size() - have, static_cast<off_t>(have));
        if (got < 0) {
            return system_failure("reading what a program wrote", errno);
        }
        if (got == 0) {
            break;
        }
        have += static_cast<std::size_t>(got);
    }
    text.resize(have);
    return text;
}

Result<Fd> open_for_output() {
    Fd file(::memfd_create("output", MFD_CLOEXEC));
    if (!file || ::fcntl(file.get(), F_SETFL, O_APPEND) != 0) {
        return system_failure("making a file for a program's output", errno);
    }
    return file;
}

} // namespace

std::string beside_us(const std::string& name) {
    char self[PATH_MAX];
    const ssize_t length = ::readlink("/proc/self/exe", self, sizeof self);
    const std::string path(self, length > 0 ? static_cast<std::size_t>(length) : 0);
    return path.substr(0, path.rfind('/') + 1) + name;
}

std::optional<std::string> installed(const std::string& name) {
    const char* path = ::getenv("PATH");
    // Tools of the administrator are installed there, and sudo keeps it out of some paths.
    std::istringstream folders(std::string(path != nullptr ? path : "") + ":/usr/sbin:/sbin");
    for (std::string folder; std::getline(folders, folder, ':');) {
        std::string candidate = folder;
        candidate.append("/").append(name);
        if (::access(candidate.c_str(), X_OK) == 0) {
            return candidate;
        }
    }
    return std::nullopt;
}

Result<std::string> output_of(const std::vector<std::string>& argv) {
    auto file = open_for_output();
    if (!file) {
        return std::unexpected(std::move(file.error()));
    }
    SpawnOptions options;
    options.argv = argv;
    options.descriptors = {{.child_number = STDOUT_FILENO, .ours = file->get()}};
    auto process = Pidfd::spawn(options);
    if (!process) {
        return failure_in("running " + argv.front(), std::move(process.error()));
    }
    const auto status = process->wait();
    if (!status) {
        return failure_in("waiting for " + argv.front(), status.error());
    }
    if (*status != 0) {
        return failure(argv.front() + " failed");
    }
    return contents(*file);
}

Result<Background> Background::start(const std::vector<std::string>& argv, int cgroup) {
    Background started;
    auto file = open_for_output();
    if (!file) {
        return std::unexpected(std::move(file.error()));
    }
    started.output_ = std::move(*file);
    const int output = started.output_.get();
    SpawnOptions options;
    options.argv = argv;
    options.descriptors = {{.child_number = STDOUT_FILENO, .ours = output},
                           {.child_number = STDERR_FILENO, .ours = output}};
    options.cgroup = cgroup;
    auto process = Pidfd::spawn(options);
    if (!process) {
        return failure_in("starting " + argv.front(), std::move(process.error()));
    }
    started.process_ = std::move(*process);
    const auto number = own_number(*started.process_);
    if (!number) {
        return failure_in("starting " + argv.front(), number.error());
    }
    started.pid_ = *number;
    if (const int error = ::clock_getcpuclockid(started.pid_, &started.cpu_clock_)) {
        return system_failure("finding the CPU clock of " + argv.front(), error);
    }
    return started;
}

Background::~Background() {
    if (process_ && !ended_) {
        (void)process_->send_signal(SIGKILL);
        (void)process_->wait();
    }
}

Nanoseconds Background::cpu_time() const {
    return ended_ ? final_cpu_time_ : read_clock(cpu_clock_);
}

bool Background::running() const {
    const auto state = process_->poll(ProcessState::zombie, 0);
    return state && *state == ProcessState::running;
}

Result<std::string> Background::output() const {
    return contents(output_);
}

Result<int> Background::wait(Nanoseconds patience) {
    const auto state = process_->poll(ProcessState::zombie, patience);
    if (!state) {
        return std::unexpected(state.error());
    }
    if (*state == ProcessState::running) {
        return failure("process " + std::to_string(pid_) + " did not end in time");
    }
    final_cpu_time_ = read_clock(cpu_clock_); // a zombie still has its clock
    const auto status = process_->wait();
    if (!status) {
        return std::unexpected(status.error());
    }
    ended_ = true;
    return **status;
}

Result<> Background::stop() {
    if (ended_) {
        return {};
    }
    if (auto sent = process_->send_signal(SIGINT); !sent) {
        return sent;
    }
    if (wait(kPatience)) {
        return {};
    }
    if (auto sent = process_->send_signal(SIGKILL); !sent) {
        return sent;
    }
    const auto ended = wait(kPatience);
    return ended ? Result<>() : Result<>(std::unexpected(ended.error()));
}

std::size_t count_of(const std::string& needle, const std::string& text) {
    std::size_t count = 0;
    for (std::size_t at = text.find(needle); at != std::string::npos; at = text.find(needle, at + needle.size())) {
        ++count;
    }
    return count;
}

} // namespace knell::bench
