/* Deaths by the thousand. Each prints "count N" when the last child is reaped. */
#include "tests/support/die.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 1000000000 };

/* What a child does before it exits with 0, unless it dies of it. `i`: which one it is. */
typedef void child_function(long i, char** args);

static void one_death(child_function* live, long i, char** args) {
    pid_t child = fork_or_give_up();
    if (child == 0) {
        live(i, args);
        _exit(0);
    }
    wait_for_end(child);
}

static _Noreturn void say_count(long count) {
    say("count %ld\n", count);
    _exit(0);
}

static _Noreturn void storm(long count, child_function* live, char** args) {
    for (long i = 0; i < count; ++i) {
        one_death(live, i, args);
    }
    say_count(count);
}

static void die_as_told(long i, char** way) {
    if (way[0] != NULL) {
        die_by(way);
    }
}

void die_storm(char** args) {
    storm(number(args[0], 1, MOST), die_as_told, args + 1);
}

static void exit_with(long code, char** args) {
    _exit((int)code);
}

void die_storm_of_codes(char** args) {
    storm(256, exit_with, args);
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

static void take_a_name(long i, char** args) {
    char name[32]; /* of which the kernel takes 15 bytes */
    snprintf(name, sizeof(name), "n%ld", i);
    prctl(PR_SET_NAME, name);
}

void die_storm_of_names(char** args) {
    storm(number(args[0], 1, MOST), take_a_name, args);
}

enum { NAME_SIZE = 32 };

static void name_cgroup(char* name, long i) {
    snprintf(name, NAME_SIZE, "%ld.service", i);
}

static void enter_cgroup(long i, char** parent) {
    char name[NAME_SIZE];
    char path[PATH_MAX];
    name_cgroup(name, i);
    snprintf(path, sizeof(path), "%s/%s/cgroup.procs", parent[0], name);
    int procs = open(path, O_WRONLY);
    if (procs < 0 || write(procs, "0", 1) != 1) {
        give_up("move to a cgroup");
    }
}

/* Each child in a cgroup of its own, which is removed when it is dead. In batches: an observer that is not stopped can
 * look a cgroup up while it is there. */
void die_storm_of_cgroups(char** args) {
    enum { BATCH = 500 };
    char name[NAME_SIZE];
    const long count = number(args[1], 1, MOST);
    int directory = open(args[0], O_PATH | O_DIRECTORY);
    if (directory < 0) {
        give_up("open the cgroup");
    }
    for (long first = 0; first < count; first += BATCH) {
        const long end = first + BATCH < count ? first + BATCH : count;
        for (long i = first; i < end; ++i) {
            name_cgroup(name, i);
            if (mkdirat(directory, name, 0755) != 0) {
                give_up("make a cgroup");
            }
            one_death(enter_cgroup, i, args);
        }
        for (long i = first; i < end; ++i) {
            name_cgroup(name, i);
            if (unlinkat(directory, name, AT_REMOVEDIR) != 0) {
                give_up("remove a cgroup");
            }
        }
    }
    say_count(count);
}
