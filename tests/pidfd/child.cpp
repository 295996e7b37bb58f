#include "tests/pidfd/child.hpp"

#include "agent/base/file.hpp"
#include "agent/pidfd/stat.hpp"
#include "tests/support/children.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stop_token>
#include <system_error>
#include <thread>

namespace knell::test {
namespace {

constexpr int kThrew = 255;
constexpr uid_t kNobody = 65534;

[[noreturn]] void throw_errno(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void require(bool done, const char* what) {
    if (!done) {
        throw_errno(what);
    }
}

void require_readable(int fd) {
    pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
    int ready = 0;
    do {
        ready = ::poll(&entry, 1, static_cast<int>(kPatience.count()));
    } while (ready < 0 && errno == EINTR);
    if (ready != 1) {
        throw std::runtime_error("nothing came over a line");
    }
}

[[noreturn]] void leave_thread(int code) {
    for (;;) {
        ::syscall(SYS_exit, code);
    }
}

int answer_of(const Child& child) {
    const int status = child.reap();
    if (!WIFEXITED(status)) {
        throw std::runtime_error("who was asked was killed: wait status " + std::to_string(status));
    }
    return WEXITSTATUS(status);
}

int ask_with_private_proc(const std::function<int()>& question) {
    require(::unshare(CLONE_NEWPID | CLONE_NEWNS) == 0, "unshare");
    require(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "mount --make-rprivate");
    const Child init([&question](const Line&) {
        require(::mount("proc", "/proc", "proc", 0, nullptr) == 0, "mount /proc");
        return question();
    });
    return answer_of(init);
}

} // namespace

void Line::tell(std::int64_t word) const {
    require(::send(socket_.get(), &word, sizeof(word), MSG_NOSIGNAL) == sizeof(word), "send");
}

std::int64_t Line::hear() const {
    std::int64_t word = 0;
    require_readable(socket_.get());
    if (::recv(socket_.get(), &word, sizeof(word), 0) != sizeof(word)) {
        throw std::runtime_error("the other end of a line was closed");
    }
    return word;
}

void Line::await_end() const {
    char unused = 0;
    require_readable(socket_.get());
    if (::recv(socket_.get(), &unused, sizeof(unused), 0) != 0) {
        throw std::runtime_error("a word came where the line should have ended");
    }
}

Child::Child(const std::function<int(const Line&)>& body) : line_(Fd()) {
    int ends[2] = {-1, -1};
    require(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    line_ = Line(Fd(ends[0]));
    Line theirs{Fd(ends[1])};
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    require(pid_ >= 0, "fork");
    if (pid_ == 0) {
        int code = kThrew;
        try {
            line_ = Line(Fd());
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            // In a pid namespace of its own the parent's number is 0.
            code = ::getppid() == parent || ::getppid() == 0 ? body(theirs) : kThrew;
        } catch (const std::exception& error) {
            const std::string line = std::string("in a child: ") + error.what() + "\n";
            (void)!::write(STDERR_FILENO, line.data(), line.size());
        }
        ::_exit(code);
    }
    pidfd_ = open_pidfd(pid_);
    require(static_cast<bool>(pidfd_), "pidfd_open");
}

Child::~Child() {
    (void)::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
    siginfo_t unused{};
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &unused, WEXITED | __WALL) != 0 && errno == EINTR) {
    }
}

Pidfd Child::open() const {
    return value_of(Pidfd::open(pid_));
}

void Child::kill(int signal) const {
    require(::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) == 0, "pidfd_send_signal");
}

void Child::await_death() const {
    await_zombie(pid_);
}

int Child::reap() const {
    int status = 0;
    while (::waitpid(pid_, &status, __WALL) != pid_) {
        if (errno != EINTR) {
            throw_errno("waitpid");
        }
    }
    return status;
}

int execute_die(const std::vector<std::string>& way) {
    const std::string program = die_path();
    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (const std::string& word : way) {
        argv.push_back(const_cast<char*>(word.c_str()));
    }
    argv.push_back(nullptr);
    const Fd null_device(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    require(::dup2(null_device.get(), STDOUT_FILENO) >= 0, "dup2");
    ::execv(program.c_str(), argv.data());
    throw_errno("execv");
}

int sleep_for_ever(const Line& line) {
    line.tell();
    for (;;) {
        ::pause();
    }
}

std::function<int(const Line&)> leave_leader_first(int code) {
    return [=](const Line& line) -> int {
        std::thread([&line, code] {
            line.tell(own_tid());
            (void)line.hear();
            leave_thread(code);
        }).detach();
        leave_thread(code);
    };
}

std::function<int(const Line&)> execute_in_thread(bool leader_leaves) {
    return [=](const Line& line) -> int {
        std::thread([&line] {
            line.tell(own_tid());
            (void)line.hear();
            execute_die({"sleep"});
        }).detach();
        if (leader_leaves) {
            leave_thread(0);
        }
        for (;;) {
            ::pause();
        }
    };
}

void await_thread_state(pid_t pid, pid_t tid, char state) {
    const std::string path = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/stat";
    const Instant end = monotonic_now() + kPatienceNs;
    while (value_of(procfd::parse_stat(value_of(read_small_file(AT_FDCWD, path.c_str(), 4096)))).state != state) {
        if (monotonic_now() > end) {
            throw std::runtime_error(path + " did not come to the state " + state);
        }
        ::sched_yield(); // the kernel tells nobody
    }
}

int ask_as_nobody(const std::function<int()>& question) {
    const Child child([&question](const Line&) {
        require(::setgroups(0, nullptr) == 0 && ::setgid(kNobody) == 0 && ::setuid(kNobody) == 0, "setuid");
        // Who has been root is not dumpable, and less is open to it than to a program that nobody starts.
        require(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0, "prctl(PR_SET_DUMPABLE)");
        return question();
    });
    return answer_of(child);
}

int ask_in_new_pid_namespace(const std::function<int()>& question) {
    const Child child([&question](const Line&) { return ask_with_private_proc(question); });
    return answer_of(child);
}

pid_t own_tid() {
    return static_cast<pid_t>(::syscall(SYS_gettid));
}

OtherThread::OtherThread()
    : thread_([this](const std::stop_token& stop) {
          tid_ = own_tid();
          known_.release();
          std::binary_semaphore done{0};
          const std::stop_callback end(stop, [&done] { done.release(); });
          done.acquire();
      }) {
    known_.acquire();
}

pid_t impossible_pid() {
    return static_cast<pid_t>(std::stol(value_of(read_small_file(AT_FDCWD, "/proc/sys/kernel/pid_max", 64)))) + 1;
}

} // namespace knell::test
