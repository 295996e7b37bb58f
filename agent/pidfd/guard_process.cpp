#include "agent/pidfd/guard.hpp"
#include "agent/pidfd/signal_safe.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

// The guard itself. It executes nothing, so it is a copy of a process with threads for as long as it lives: system
// calls only (signal_safe.hpp).
namespace knell {
namespace {

// Between two rounds of killing, in ms. The end of a child cuts it short.
constexpr int kFirstPause = 10;
constexpr int kLongestPause = 1000;

template <typename T>
std::string_view bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

// SIGKILL to a child of ours. Its number cannot be another's while it is not reaped, and we alone reap; but the kernel
// reaps what was made with CLONE_AUTOREAP (7.1), so ask whether what we hold is our child.
void kill_child(pid_t pid) {
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (pidfd < 0) {
        return; // it is gone, or there is no memory: the next round tries again
    }
    siginfo_t unused{};
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &unused, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0) {
        // Refused with EPERM where it runs as another user now: in each round again, it may come back.
        (void)::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
    }
    (void)::close(pidfd);
}

class Guard {
  public:
    explicit Guard(int line) : line_(line) {}
    void prepare(bool with_descendants) noexcept;
    void start(Program& program, const sigset_t& mask) noexcept;
    [[noreturn]] void serve() noexcept;

  private:
    void detach(int pidfd) noexcept;
    [[nodiscard]] bool reap() noexcept;
    void kill_all() const noexcept;

    int line_;
    int signals_ = -1;   // readable when a child has ended
    int children_ = -1;  // the list of our children; -1: the process alone is our concern
    pid_t process_ = -1; // -1: reaped
    bool closed_ = false;
};

void Guard::prepare(bool with_descendants) noexcept {
    (void)::prctl(PR_SET_NAME, "knell-guard"); // for people; takes any name
    if (with_descendants) {
        children_ = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
        if (children_ < 0 || ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
            give_up(line_, {StartStep::guard, errno, 0});
        }
    }
    sigset_t ended{};
    ::sigemptyset(&ended);
    ::sigaddset(&ended, SIGCHLD);
    signals_ = ::signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals_ < 0) {
        give_up(line_, {StartStep::guard, errno, 0});
    }
}

void Guard::start(Program& program, const sigset_t& mask) noexcept {
    // A caller that ignores SIGCHLD would have us lose the status; the program inherits what the caller had.
    struct sigaction callers{};
    struct sigaction by_default{};
    by_default.sa_handler = SIG_DFL;
    (void)::sigaction(SIGCHLD, &by_default, &callers);

    const pid_t self = ::getpid();
    int pidfd = -1;
    const long pid =
        signal_safe::clone(CLONE_PIDFD | CLONE_VFORK | program.clone_flags(), SIGCHLD, program.cgroup(), pidfd);
    if (pid == 0) {
        (void)::sigaction(SIGCHLD, &callers, nullptr);
        (void)::prctl(PR_SET_PDEATHSIG, SIGKILL); // fails for what is no signal only
        if (::getppid() != self) {
            give_up(line_, {StartStep::tie_to_guard, ESRCH, 0}); // it died before the prctl
        }
        program.execute(line_, mask);
    }
    if (pid < 0) {
        give_up(line_, {StartStep::clone, static_cast<int>(-pid), 0});
    }
    process_ = static_cast<pid_t>(pid);
    // Only now: the program belongs to the caller's session and has its descriptors.
    detach(pidfd);
    // Where exec has failed, the report of that is in the line already, and comes first.
    const StartReport running;
    const std::array attached{pidfd};
    closed_ = signal_safe::send(line_, bytes_of(running), attached) < 0;
    (void)::close(pidfd);
}

// Lets go of what we have from the caller: its terminal, its directory, its descriptors, of which one is the handle.
void Guard::detach(int pidfd) noexcept {
    (void)::setsid(); // fails for a group's leader, and we were made just now
    (void)::chdir("/");
    std::array kept{line_, signals_, pidfd, children_ < 0 ? line_ : children_};
    std::ranges::sort(kept);
    if (const int refusal = signal_safe::close_all_but(kept); refusal < 0) {
        give_up(line_, {StartStep::guard, -refusal, 0}); // takes the process with us
    }
}

// False: no child is left.
bool Guard::reap() noexcept {
    for (;;) {
        int status = 0;
        const pid_t pid = ::waitpid(-1, &status, WNOHANG | __WALL);
        if (pid == 0) {
            return true;
        }
        if (pid < 0) {
            return errno == EINTR;
        }
        if (pid == process_) {
            process_ = -1;
            (void)signal_safe::send(line_, bytes_of(status), {}); // nobody wants to know if the handle is closed
        }
    }
}

void Guard::kill_all() const noexcept {
    if (children_ < 0) {
        kill_child(process_);
        return;
    }
    // Children alone: when they are dead, theirs are ours. Each dies with a SIGCHLD for us, so no round is the last one
    // as long as one is left. The list is whole although it changes, because nothing leaves it before it is reaped
    // (fs/proc/array.c, get_children_pid).
    (void)::lseek(children_, 0, SEEK_SET);
    std::array<char, 512> text{};
    ssize_t size = 0;
    pid_t pid = 0;
    while ((size = ::read(children_, text.data(), text.size())) > 0) {
        for (const char c : std::string_view(text.data(), static_cast<std::size_t>(size))) {
            if (c >= '0' && c <= '9') {
                pid = pid * 10 + (c - '0');
            } else if (pid > 0) {
                kill_child(pid);
                pid = 0;
            }
        }
    }
}

void Guard::serve() noexcept {
    int pause = kFirstPause;
    for (;;) {
        if (closed_) {
            kill_all();
        }
        std::array<pollfd, 2> entries{{{.fd = closed_ ? -1 : line_, .events = 0, .revents = 0},
                                       {.fd = signals_, .events = POLLIN, .revents = 0}}};
        // With a timeout because of what could not be killed in this round.
        const int ready = ::poll(entries.data(), entries.size(), closed_ ? pause : -1);
        pause = ready == 0 ? std::min(2 * pause, kLongestPause) : kFirstPause;
        closed_ = closed_ || entries[0].revents != 0;
        signalfd_siginfo ended{};
        (void)!::read(signals_, &ended, sizeof(ended)); // says that there is one to reap, or several
        if (!reap()) {
            ::_exit(0);
        }
    }
}

} // namespace

void run_guard(Program& program, int line, bool with_descendants, const sigset_t& mask) noexcept {
    Guard guard(line);
    guard.prepare(with_descendants);
    guard.start(program, mask);
    guard.serve();
}

} // namespace knell
