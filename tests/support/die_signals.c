/* Deaths by signals that are sent, and processes that treat SIGTERM in their own way. */
#include "tests/support/die.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
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

void die_alarm(char** args) {
    const struct itimerval soon = {.it_value = {.tv_usec = 1000}};
    if (setitimer(ITIMER_REAL, &soon, NULL) != 0) {
        give_up("setitimer");
    }
    sleep_forever();
}

void die_timer(char** args) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    const struct itimerspec soon = {.it_value = {.tv_nsec = 1000000}};
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 || timer_settime(timer, 0, &soon, NULL) != 0) {
        give_up("timer_create");
    }
    sleep_forever();
}

static long send_by(const char* how, pid_t target, int signal) {
    if (strcmp(how, "kill") == 0) {
        return kill(target, signal);
    }
    if (strcmp(how, "tgkill") == 0) {
        return syscall(SYS_tgkill, target, target, signal);
    }
    if (strcmp(how, "sigqueue") == 0) {
        return sigqueue(target, signal, (union sigval){.sival_int = 0});
    }
    if (strcmp(how, "pidfd") == 0) {
        long pidfd = syscall(SYS_pidfd_open, target, 0);
        return pidfd < 0 ? pidfd : syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
    }
    bad_argument("not a way to send", how);
}

void die_send(char** args) {
    const pid_t target = (pid_t)number(args[0], INT_MIN + 1, INT_MAX);
    if (send_by(args[2], target, signal_number(args[1])) != 0) {
        give_up(args[2]);
    }
    _exit(0);
}

static int graceful_code;
static struct timespec graceful_delay;

static void stop_gracefully(int signal) {
    nanosleep(&graceful_delay, NULL);
    _exit(graceful_code);
}

void die_term_graceful(char** args) {
    const struct sigaction action = {.sa_handler = stop_gracefully};
    const long delay_ms = args[1] != NULL ? number(args[1], 0, 600000) : 0;

    graceful_code = exit_code(args[0]);
    graceful_delay.tv_sec = delay_ms / 1000;
    graceful_delay.tv_nsec = delay_ms % 1000 * 1000000;
    if (sigaction(SIGTERM, &action, NULL) != 0) {
        give_up("sigaction");
    }
    say("ready\n");
    sleep_forever();
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
