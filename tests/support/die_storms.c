/* Deaths by the thousand. Each prints "count N" when the last child is reaped. */
#include "tests/support/die.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 1000000000 };

static _Noreturn void say_count(long count) {
    say("count %ld\n", count);
    _exit(0);
}

void die_storm(char** args) {
    const long count = number(args[0], 1, MOST);
    for (long i = 0; i < count; ++i) {
        pid_t child = fork_or_give_up();
        if (child == 0) {
            if (args[1] != NULL) {
                die_by(args + 1);
            }
            _exit(0);
        }
        wait_for_end(child);
    }
    say_count(count);
}

void die_storm_of_codes(char** args) {
    const int codes = 256;
    for (int code = 0; code < codes; ++code) {
        pid_t child = fork_or_give_up();
        if (child == 0) {
            _exit(code);
        }
        wait_for_end(child);
    }
    say_count(codes);
}

/* Unlike a storm whose children end themselves: their parent kills them. */
void die_storm_of_kills(char** args) {
    const long count = number(args[0], 1, MOST);
    for (long i = 0; i < count; ++i) {
        pid_t child = fork_or_give_up();
        if (child == 0) {
            sleep_forever();
        }
        if (kill(child, SIGKILL) != 0) {
            give_up("kill");
        }
        wait_for_end(child);
    }
    say_count(count);
}

void die_storm_of_names(char** args) {
    const long count = number(args[0], 1, MOST);
    for (long i = 0; i < count; ++i) {
        pid_t child = fork_or_give_up();
        if (child == 0) {
            char name[32]; /* of which the kernel takes 15 bytes */
            snprintf(name, sizeof(name), "n%ld", i);
            prctl(PR_SET_NAME, name);
            _exit(0);
        }
        wait_for_end(child);
    }
    say_count(count);
}

static void enter_cgroup(int directory, const char* cgroup) {
    char path[64];
    snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
    int procs = openat(directory, path, O_WRONLY);
    if (procs < 0 || write(procs, "0", 1) != 1) {
        give_up("move to a cgroup");
    }
}

/* Each child in a cgroup of its own, which is removed when it is dead. In batches: an observer that is not stopped can
 * look a cgroup up while it is there. */
void die_storm_of_cgroups(char** args) {
    enum { BATCH = 500 };
    const long count = number(args[1], 1, MOST);
    int directory = open(args[0], O_PATH | O_DIRECTORY);
    if (directory < 0) {
        give_up("open the cgroup");
    }
    for (long first = 0; first < count; first += BATCH) {
        char name[32];
        const long end = first + BATCH < count ? first + BATCH : count;
        for (long i = first; i < end; ++i) {
            snprintf(name, sizeof(name), "%ld.service", i);
            if (mkdirat(directory, name, 0755) != 0) {
                give_up("make a cgroup");
            }
            pid_t child = fork_or_give_up();
            if (child == 0) {
                enter_cgroup(directory, name);
                _exit(0);
            }
            wait_for_end(child);
        }
        for (long i = first; i < end; ++i) {
            snprintf(name, sizeof(name), "%ld.service", i);
            if (unlinkat(directory, name, AT_REMOVEDIR) != 0) {
                give_up("remove a cgroup");
            }
        }
    }
    say_count(count);
}
