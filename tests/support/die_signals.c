/* Deaths by signals that processes send, and processes that treat a signal in their own way. */
#include "tests/support/die.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void die_kill_self(char** args) {
    if (kill(getpid(), signal_number(args[0])) != 0) {
        give_up("kill");
    }
}

void die_raise(char** args) {
    if (raise(signal_number(args[0])) != 0) {
        give_up("raise");
    }
}

void die_abort(char** args) {
    abort();
}

void die_pipe(char** args) {
    int ends[2];
    if (pipe(ends) != 0) {
        give_up("pipe");
    }
    close(ends[0]);
    if (write(ends[1], "x", 1) < 0) {
        give_up("write to a pipe without readers");
    }
}

void die_pipe_socket(char** args) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        give_up("socketpair");
    }
    close(ends[0]);
    if (write(ends[1], "x", 1) < 0) {
        give_up("write to a socket whose other end is closed");
    }
}

static long send_by(const char* how, pid_t target, pid_t thread, int signal) {
    if (strcmp(how, "kill") == 0) {
        return kill(target, signal);
    }
    if (strcmp(how, "tgkill") == 0) {
        return syscall(SYS_tgkill, target, thread, signal);
    }
    if (strcmp(how, "sigqueue") == 0) {
        return sigqueue(target, signal, (union sigval){.sival_int = 0});
    }
    const int to_group = strcmp(how, "pidfd-group") == 0;
    if (to_group || strcmp(how, "pidfd") == 0) {
        const unsigned signal_process_group = 1U << 2; /* PIDFD_SIGNAL_PROCESS_GROUP, Linux 6.9 */
        long pidfd = syscall(SYS_pidfd_open, target, 0);
        return pidfd < 0 ? pidfd
                         : syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, to_group ? signal_process_group : 0U);
    }
    bad_argument("not a way to send", how);
}

void die_send(char** args) {
    const pid_t target = (pid_t)number(args[0], INT_MIN + 1, INT_MAX);
    const pid_t thread = args[3] != NULL ? (pid_t)number(args[3], 1, INT_MAX) : target;
    if (send_by(args[2], target, thread, signal_number(args[1])) != 0) {
        give_up(args[2]);
    }
    _exit(0);
}

void die_write(char** args) {
    int file = open(args[0], O_WRONLY);
    const size_t size = strlen(args[1]);
    if (file < 0 || write(file, args[1], size) != (ssize_t)size) {
        give_up(args[0]);
    }
    _exit(0);
}

static pid_t trace(const char* text, long options) {
    const pid_t target = (pid_t)number(text, 1, INT_MAX);
    if (ptrace(PTRACE_SEIZE, target, NULL, options) != 0) {
        give_up("ptrace(PTRACE_SEIZE)");
    }
    return target;
}

void die_trace_then_exit(char** args) {
    trace(args[0], PTRACE_O_EXITKILL);
    _exit(0);
}

void die_trace_then_kill(char** args) {
    const pid_t target = trace(args[0], 0);
    int status = 0;
    if (ptrace(PTRACE_INTERRUPT, target, NULL, NULL) != 0 || waitpid(target, &status, __WALL) != target ||
        !WIFSTOPPED(status)) {
        give_up("ptrace(PTRACE_INTERRUPT)");
    }
    if (kill(target, SIGKILL) != 0) {
        give_up("kill");
    }
    wait_for_end(target); /* a tracee's death is told to its tracer first */
    _exit(0);
}

static int graceful_code;
static struct timespec graceful_delay;

static void stop_gracefully(int signal) {
    nanosleep(&graceful_delay, NULL);
    _exit(graceful_code);
}

static _Noreturn void handle(int signal, const char* code, const char* delay) {
    const struct sigaction action = {.sa_handler = stop_gracefully};
    const long delay_ms = delay != NULL ? number(delay, 0, 600000) : 0;

    graceful_code = exit_code(code);
    graceful_delay.tv_sec = delay_ms / 1000;
    graceful_delay.tv_nsec = delay_ms % 1000 * 1000000;
    if (sigaction(signal, &action, NULL) != 0) {
        give_up("sigaction");
    }
    say("ready\n");
    sleep_forever();
}

void die_handle(char** args) {
    handle(signal_number(args[0]), args[1], args[2]);
}

/* As glibc's manual wants it of a handler that ends the process. */
static void raise_again(int number) {
    signal(number, SIG_DFL);
    raise(number);
}

void die_handle_then_raise(char** args) {
    signal(signal_number(args[0]), raise_again);
    say("ready\n");
    sleep_forever();
}

void die_term_graceful(char** args) {
    handle(SIGTERM, args[0], args[1]);
}

void die_term_ignore(char** args) {
    signal(SIGTERM, SIG_IGN);
    say("ready\n");
    sleep_forever();
}

/* A signalfd becomes readable while the signal is pending; without a read the signal stays so. */
void die_block_term_then_unblock(char** args) {
    struct pollfd pending = {.events = POLLIN};
    sigset_t term;

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    pending.fd = signalfd(-1, &term, SFD_CLOEXEC);
    if (pending.fd < 0) {
        give_up("signalfd");
    }
    say("ready\n");
    if (poll(&pending, 1, -1) != 1) {
        give_up("poll for a pending SIGTERM");
    }
    sigprocmask(SIG_UNBLOCK, &term, NULL);
}
