#include "tests/support/process.hpp"

#include "tests/support/clone.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstring>

namespace knell::test {
namespace {

using Deadline = std::chrono::steady_clock::time_point;

struct Pipe {
    Fd reader;
    Fd writer;
};

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return system_failure("pipe2", errno);
    }
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// Waits until there is something to read, or an end.
Result<> await_readable(const Fd& fd, Deadline deadline, const std::string& waiting_for) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd entry{.fd = fd.get(), .events = POLLIN, .revents = 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (ready > 0) {
            return {};
        }
        if (ready == 0) {
            return system_failure("wait for " + waiting_for, ETIMEDOUT);
        }
        if (errno != EINTR) {
            return system_failure("poll for " + waiting_for, errno);
        }
    }
}

// Between fork and exec: async-signal-safe calls only, errno goes to the parent through `report`.
[[noreturn]] void execute(char* const* argv, const ProcessOptions& options, const Fd& output, const Fd& report) {
    const auto check = [&report](bool succeeded) {
        if (!succeeded) {
            const int error = errno;
            (void)!::write(report.get(), &error, sizeof(error));
            ::_exit(127);
        }
    };
    if (!options.cgroup_procs.empty()) {
        const int procs = ::open(options.cgroup_procs.c_str(), O_WRONLY | O_CLOEXEC);
        check(procs >= 0);
        check(::write(procs, "0", 1) == 1); // 0 = the writer
    }
    check(!options.own_group || ::setpgid(0, 0) == 0);
    check(::dup2(output.get(), STDOUT_FILENO) >= 0);
    check(!options.errors_with_output || ::dup2(output.get(), STDERR_FILENO) >= 0);
    ::execvp(argv[0], argv);
    check(false);
    ::_exit(127);
}

// The descriptor closes on exec, so the end of the pipe means that the program runs.
Result<> await_exec(const Fd& report, const std::string& program) {
    int error = 0;
    ssize_t size = -1;
    do {
        size = ::read(report.get(), &error, sizeof(error));
    } while (size < 0 && errno == EINTR);
    if (size == 0) {
        return {};
    }
    return system_failure("start " + program, size < 0 ? errno : error);
}

Result<int> wait_blocking(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return system_failure("waitpid " + std::to_string(child), errno);
        }
    }
    return status;
}

} // namespace

std::string die_path() {
    return KNELL_DIE_PATH;
}

Result<Process> Process::start(const std::vector<std::string>& argv, const ProcessOptions& options) {
    if (argv.empty()) {
        return failure("start a process: no program is named");
    }
    Result<Pipe> output = make_pipe();
    Result<Pipe> report = make_pipe();
    if (!output || !report) {
        return Failure(output ? report.error() : output.error());
    }
    std::vector<char*> arguments;
    arguments.reserve(argv.size() + 1);
    for (const std::string& argument : argv) {
        arguments.push_back(const_cast<char*>(argument.c_str())); // execvp's signature predates const
    }
    arguments.push_back(nullptr);

    const Result<pid_t> child = clone_process({.cgroup = options.born_in});
    if (!child) {
        return Failure(child.error());
    }
    if (*child == 0) {
        execute(arguments.data(), options, output->writer, report->writer);
    }
    output->writer.reset();
    report->writer.reset();
    Process process(*child, std::move(output->reader));
    if (Result<> executed = await_exec(report->reader, argv[0]); !executed) {
        return Failure(executed.error());
    }
    return process;
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), output_(std::move(other.output_)), unread_(std::move(other.unread_)),
      reaped_(other.reaped_), status_(other.status_) {}

Process::~Process() {
    if (pid_ > 0 && !reaped_) {
        ::kill(pid_, SIGKILL);
        (void)wait_blocking(pid_); // nobody is left to tell
    }
}

Result<bool> Process::read_more(Deadline deadline) {
    std::array<char, 4096> buffer{};
    if (Result<> ready = await_readable(output_, deadline, "output of process " + std::to_string(pid_)); !ready) {
        return Failure(ready.error());
    }
    const ssize_t size = ::read(output_.get(), buffer.data(), buffer.size());
    if (size < 0) {
        return system_failure("read output of process " + std::to_string(pid_), errno);
    }
    unread_.append(buffer.data(), static_cast<std::size_t>(size));
    return size > 0;
}

Result<std::string> Process::read_line(std::chrono::milliseconds patience) {
    const Deadline deadline = std::chrono::steady_clock::now() + patience;
    std::size_t end = 0;
    while ((end = unread_.find('\n')) == std::string::npos) {
        const Result<bool> more = read_more(deadline);
        if (!more) {
            return Failure(more.error());
        }
        if (!*more) {
            if (unread_.empty()) {
                return system_failure("read a line of process " + std::to_string(pid_), ENODATA, "its output ended");
            }
            return std::exchange(unread_, {});
        }
    }
    std::string line = unread_.substr(0, end);
    unread_.erase(0, end + 1);
    return line;
}

Result<std::string> Process::read_after(const std::string& word, std::chrono::milliseconds patience) {
    const Deadline deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        const Result<std::string> line = read_line(left);
        if (!line) {
            return failure_in("look for '" + word + "'", line.error());
        }
        if (*line == word) {
            return std::string();
        }
        if (line->starts_with(word + " ")) {
            return line->substr(word.size() + 1);
        }
    }
}

Result<std::string> Process::read_rest(std::chrono::milliseconds patience) {
    const Deadline deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const Result<bool> more = read_more(deadline);
        if (!more) {
            return Failure(more.error());
        }
        if (!*more) {
            return std::exchange(unread_, {});
        }
    }
}

Result<> Process::kill(int signal) const {
    if (reaped_) {
        return system_failure("kill process " + std::to_string(pid_), ESRCH, "it was reaped before");
    }
    if (::kill(pid_, signal) != 0) {
        return system_failure("kill process " + std::to_string(pid_), errno);
    }
    return {};
}

Result<int> Process::wait(std::chrono::milliseconds patience) {
    if (!reaped_) {
        const Result<int> status = reap(pid_, patience);
        if (!status) {
            return status;
        }
        status_ = *status;
        reaped_ = true;
    }
    return status_;
}

// By number: glibc 2.36 declares pidfd_open() without extern "C".
Fd open_pidfd(pid_t pid) {
    return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

Result<int> reap(pid_t child, std::chrono::milliseconds patience) {
    const Fd pidfd = open_pidfd(child);
    if (!pidfd) {
        return system_failure("pidfd_open " + std::to_string(child), errno);
    }
    const Deadline deadline = std::chrono::steady_clock::now() + patience;
    if (Result<> ended = await_readable(pidfd, deadline, "the end of process " + std::to_string(child)); !ended) {
        return Failure(ended.error());
    }
    return wait_blocking(child);
}

Result<long> parse_number(const std::string& text) {
    long value = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stopped != end || text.empty()) {
        return failure("'" + text + "' is not a number");
    }
    return value;
}

} // namespace knell::test
