/* Deaths in pid namespaces. */
#include "tests/support/die.h"

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void report(int socket) {
    if (write(socket, "x", 1) != 1) {
        give_up("write to a socket");
    }
}

/* For an init that waits for others: if they do not come, nothing of it is left behind. */
static void end_with_parent(void) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
        give_up("prctl(PR_SET_PDEATHSIG)");
    }
}

/* What joins this process to those in its new namespace. */
struct stage {
    int leave[2];   /* a pipe: the namespace's init ends when [1] is closed */
    int reports[2]; /* sockets: those in the namespace report() to [1] */
};

static struct stage open_stage(void) {
    const int on = 1;
    struct stage stage;
    unshare_pids();
    if (pipe(stage.leave) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, stage.reports) != 0 ||
        setsockopt(stage.reports[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0) {
        give_up("socketpair");
    }
    return stage;
}

/* 0 in the namespace's init. */
static pid_t start_init(const struct stage* stage) {
    pid_t init = fork_or_give_up();
    if (init == 0) {
        close(stage->leave[1]);
    } else {
        close(stage->reports[1]);
        say("child %d\n", (int)init);
    }
    return init;
}

static void say_reporter(const struct stage* stage) {
    say("child %d\n", (int)receive_pid(stage->reports[0]));
}

static _Noreturn void report_and_sleep(const struct stage* stage) {
    report(stage->reports[1]);
    sleep_forever();
}

static _Noreturn void let_go(const struct stage* stage, pid_t init) {
    close(stage->leave[1]);
    wait_for_end(init);
    _exit(0);
}

void die_pidns_init(char** args) {
    const int code = exit_code(args[0]);
    const struct stage stage = open_stage();
    pid_t init = start_init(&stage);
    if (init == 0) {
        if (fork_or_give_up() == 0) {
            report_and_sleep(&stage);
        }
        await(stage.leave[0]);
        _exit(code);
    }
    say_reporter(&stage);
    let_go(&stage, init);
}

void die_pidns_parent(char** args) {
    const struct stage stage = open_stage();
    pid_t init = start_init(&stage);
    if (init == 0) {
        end_with_parent();
        pid_t child = fork_or_give_up();
        if (child == 0) {
            report_and_sleep(&stage);
        }
        wait_for_end(child);
        _exit(0);
    }
    say_reporter(&stage);
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

void die_pidns_kill(char** args) {
    const int signal = signal_number(args[0]);
    const struct stage stage = open_stage();
    pid_t init = start_init(&stage);
    if (init == 0) {
        pid_t victim = fork_or_give_up();
        if (victim == 0) {
            report_and_sleep(&stage);
        }
        await(stage.leave[0]); /* the reports come in this order */
        pid_t killer = fork_or_give_up();
        if (killer == 0) {
            report(stage.reports[1]);
            _exit(kill(victim, signal) == 0 ? 0 : STATUS_SURVIVED);
        }
        wait_for_end(killer);
        wait_for_end(victim);
        _exit(0);
    }
    say_reporter(&stage);
    close(stage.leave[1]);
    say_reporter(&stage);
    wait_for_end(init);
    _exit(0);
}

/*
 * The inner init gets a number in the outer namespace that is higher than its child's: zap_pid_ns_processes() kills in
 * the order of numbers, so that the child is killed by the outer init and not by the inner one's own end.
 */
static pid_t clone_inner_init(void) {
    const pid_t numbers[] = {1, 10}; /* in the inner namespace, in the outer one */
    struct clone_args arguments;

    memset(&arguments, 0, sizeof(arguments));
    arguments.flags = CLONE_NEWPID;
    arguments.exit_signal = SIGCHLD;
    arguments.set_tid = (uintptr_t)numbers;
    arguments.set_tid_size = 2;
    pid_t init = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (init < 0) {
        give_up("clone3");
    }
    return init;
}

void die_pidns_nested(char** args) {
    const struct stage stage = open_stage();
    pid_t init = start_init(&stage);
    if (init == 0) {
        if (clone_inner_init() == 0) {
            report(stage.reports[1]);
            if (fork_or_give_up() == 0) {
                report_and_sleep(&stage);
            }
            sleep_forever();
        }
        await(stage.leave[0]);
        _exit(0);
    }
    say_reporter(&stage);
    say_reporter(&stage);
    let_go(&stage, init);
}

/* What the machine itself does at reboot(2) is out of question: this is the init of another namespace. */
static _Noreturn void reboot_when_told(const sigset_t* signals) {
    int told = 0;
    end_with_parent();
    if (getpid() != 1 || sigwait(signals, &told) != 0) {
        _exit(STATUS_SURVIVED);
    }
    reboot(RB_AUTOBOOT);
    give_up("reboot");
}

void die_pidns_reboot(char** args) {
    sigset_t signals;
    int status = 0;

    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* from birth: an init without a handler would ignore it */
    unshare_pids();
    pid_t init = fork_or_give_up();
    if (init == 0) {
        reboot_when_told(&signals);
    }
    say("child %d\n", (int)init);
    if (waitpid(init, &status, 0) != init) {
        give_up("waitpid");
    }
    say("status %d\n", status);
    _exit(0);
}
