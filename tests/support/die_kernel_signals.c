/* Deaths by signals that the kernel sends on its own account: whoever runs at that moment has nothing to do with it. */
#include "tests/support/die.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

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

void die_sigio(char** args) {
    int ends[2];
    if (pipe(ends) != 0 || fcntl(ends[0], F_SETOWN, getpid()) != 0 || fcntl(ends[0], F_SETFL, O_ASYNC) != 0) {
        give_up("pipe that sends SIGIO");
    }
    if (fork_or_give_up() == 0) {
        _exit(write(ends[1], "x", 1) == 1 ? 0 : STATUS_SURVIVED);
    }
    sleep_forever();
}

static int open_terminal(char* name, size_t size) {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 || ptsname_r(master, name, size) != 0) {
        give_up("posix_openpt");
    }
    return master;
}

/* The leader of a new session, whose first terminal becomes its controlling one. */
static _Noreturn void sit_at(const char* terminal, int ready) {
    if (setsid() < 0 || open(terminal, O_RDWR) < 0) {
        give_up(terminal);
    }
    close(ready);
    sleep_forever();
}

void die_tty(char** args) {
    char terminal[64];
    int ready[2];
    int master = open_terminal(terminal, sizeof(terminal));
    if (pipe(ready) != 0) {
        give_up("pipe");
    }
    pid_t child = fork_or_give_up();
    if (child == 0) {
        close(master);
        sit_at(terminal, ready[1]);
    }
    close(ready[1]);
    say("child %d\n", (int)child);
    await(ready[0]);
    if (strcmp(args[0], "hangup") == 0) {
        close(master);
    } else if (strcmp(args[0], "interrupt") != 0) {
        bad_argument("not a deed", args[0]);
    } else if (write(master, "\003", 1) != 1) { /* Ctrl-C, VINTR of a fresh terminal */
        give_up("write to a terminal");
    }
    wait_for_end(child);
    _exit(0);
}
