/* Deaths that need more than one process. */
#include "tests/support/die.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void die_vfork_child(char** args) {
    const int code = exit_code(args[0]);
    pid_t child = vfork();
    if (child == 0) {
        _exit(code);
    }
    if (child < 0) {
        give_up("vfork");
    }
    say("child %d\n", (int)child);
    wait_for_end(child);
    _exit(0);
}

/* Waits for the other end to write a byte or to close. */
static void await(int pipe_end) {
    char byte;
    if (read(pipe_end, &byte, 1) < 0) {
        give_up("read from a pipe");
    }
}

void die_pdeathsig(char** args) {
    const int signal = signal_number(args[0]);
    int asked[2];
    if (pipe(asked) != 0) {
        give_up("pipe");
    }
    pid_t child = fork_or_give_up();
    if (child == 0) {
        if (prctl(PR_SET_PDEATHSIG, signal) != 0) {
            give_up("prctl(PR_SET_PDEATHSIG)");
        }
        close(asked[1]);
        sleep_forever();
    }
    close(asked[1]);
    say("child %d\n", (int)child);
    await(asked[0]);
    _exit(0);
}

void die_killed_by_child(char** args) {
    const int signal = signal_number(args[0]);
    int told[2];
    if (pipe(told) != 0) {
        give_up("pipe");
    }
    pid_t child = fork_or_give_up();
    if (child == 0) {
        close(told[1]);
        await(told[0]);
        if (kill(getppid(), signal) != 0) {
            give_up("kill");
        }
        _exit(0);
    }
    say("child %d\n", (int)child);
    close(told[1]);
    sleep_forever();
}

/* The kernel reaps the children of those who ignore SIGCHLD; waitpid() then waits for the end and finds no child. */
void die_autoreap(char** args) {
    const int code = exit_code(args[0]);
    signal(SIGCHLD, SIG_IGN);
    pid_t child = fork_or_give_up();
    if (child == 0) {
        _exit(code);
    }
    say("child %d\n", (int)child);
    if (waitpid(child, NULL, 0) != -1 || errno != ECHILD) {
        give_up("waitpid for a child that the kernel reaps");
    }
    _exit(0);
}

/* Only once all children are there does the parent ignore SIGTERM: they inherit the default. */
void die_crowd(char** args) {
    const long count = number(args[0], 1, 100000);
    for (long i = 0; i < count; ++i) {
        if (fork_or_give_up() == 0) {
            sleep_forever();
        }
    }
    signal(SIGTERM, SIG_IGN);
    say("ready\n");
    for (long i = 0; i < count; ++i) {
        if (wait(NULL) < 0) {
            give_up("wait");
        }
    }
    say("count %ld\n", count);
    _exit(0);
}

void die_zombie(char** args) {
    const struct timespec wait = {.tv_sec = number(args[0], 0, 3600)};
    siginfo_t info;
    pid_t child = fork_or_give_up();
    if (child == 0) {
        _exit(0);
    }
    if (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) != 0) {
        give_up("waitid");
    }
    say("child %d\n", (int)child);
    say("ready\n");
    nanosleep(&wait, NULL);
    wait_for_end(child);
    _exit(0);
}

void die_storm(char** args) {
    const long count = number(args[0], 1, 10000000);
    for (long i = 0; i < count; ++i) {
        pid_t child = fork_or_give_up();
        if (child == 0) {
            _exit(0);
        }
        wait_for_end(child);
    }
    say("count %ld\n", count);
    _exit(0);
}

static void grow(long depth) {
    pid_t children[2];
    if (depth == 0) {
        return;
    }
    for (int i = 0; i < 2; ++i) {
        children[i] = fork_or_give_up();
        if (children[i] == 0) {
            grow(depth - 1);
            _exit(0);
        }
    }
    wait_for_end(children[0]);
    wait_for_end(children[1]);
}

void die_fork_tree(char** args) {
    const long depth = number(args[0], 0, 10);
    grow(depth);
    say("count %ld\n", (2L << depth) - 2);
    _exit(0);
}

static void unshare_pids(void) {
    if (unshare(CLONE_NEWPID) != 0) {
        give_up("unshare(CLONE_NEWPID)");
    }
}

/* The pid of whoever writes a byte to the other end, in our namespace: credentials are translated on their way. */
static pid_t receive_pid(int socket) {
    char byte;
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    struct ucred sender;

    if (recvmsg(socket, &message, 0) != 1 || CMSG_FIRSTHDR(&message) == NULL ||
        CMSG_FIRSTHDR(&message)->cmsg_type != SCM_CREDENTIALS) {
        give_up("receive credentials");
    }
    memcpy(&sender, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(sender));
    return sender.pid;
}

static _Noreturn void namespace_init(int code, int leave, int socket) {
    if (fork_or_give_up() == 0) {
        if (write(socket, "x", 1) != 1) {
            give_up("write to a socket");
        }
        sleep_forever();
    }
    await(leave);
    _exit(code);
}

void die_pidns_init(char** args) {
    const int code = exit_code(args[0]);
    const int on = 1;
    int leave[2];
    int sockets[2];

    unshare_pids();
    if (pipe(leave) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0 ||
        setsockopt(sockets[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0) {
        give_up("socketpair");
    }
    pid_t init = fork_or_give_up();
    if (init == 0) {
        close(leave[1]);
        namespace_init(code, leave[0], sockets[1]);
    }
    close(sockets[1]);
    say("child %d\n", (int)init);
    say("child %d\n", (int)receive_pid(sockets[0]));
    close(leave[1]);
    wait_for_end(init);
    _exit(0);
}

void die_pidns_sleep(char** args) {
    unshare_pids();
    pid_t init = fork_or_give_up();
    if (init == 0) {
        sleep_forever();
    }
    say("child %d\n", (int)init);
    wait_for_end(init);
    _exit(0);
}
