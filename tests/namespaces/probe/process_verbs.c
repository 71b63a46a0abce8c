// SPDX-License-Identifier: LGPL-2.1-or-later
// What the process got from whoever started it, and how it ends.
#include "answer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void env_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    for (char** variable = environ; *variable; variable++)
        say("%s%s", variable == environ ? "" : "\n", *variable);
}

static void getenv_verb(int count, char** arguments) {
    (void)count;
    const char* value = getenv(arguments[0]);
    say("%s", value ? value : "!unset");
}

static void arguments_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    char bytes[65536];
    int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, bytes, sizeof bytes);
    if (size < 0) {
        say_errno();
        return;
    }
    close(file);
    for (ssize_t index = 0; index + 1 < size; index++)
        if (bytes[index] == 0)
            bytes[index] = '\n';
    say_bytes(bytes, size > 0 ? (size_t)size - 1 : 0);
}

// "NUMBER TARGET" of every open descriptor
static void descriptors_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    DIR* directory = opendir("/proc/self/fd");
    if (!directory) {
        say_errno();
        return;
    }
    struct dirent* entry;
    const char* separator = "";
    while ((entry = readdir(directory))) {
        char target[4096];
        ssize_t size = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
        if (size < 0 || atoi(entry->d_name) == dirfd(directory))
            continue;
        target[size] = 0;
        say("%s%s %s", separator, entry->d_name, target);
        separator = "\n";
    }
    closedir(directory);
}

static void pid_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    say("pid=%d parent=%d group=%d session=%d", getpid(), getppid(), getpgid(0), getsid(0));
}

static void cwd_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    char path[4096];
    if (syscall(SYS_getcwd, path, sizeof path) < 0)
        say_errno();
    else
        say("%s", path);
}

static void umask_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    mode_t mask = umask(0);
    umask(mask);
    say("%04o", mask);
}

static void limit_verb(int count, char** arguments) {
    (void)count;
    static const char* const names[] = {"CPU",      "FSIZE",  "DATA",    "STACK", "CORE",  "RSS",
                                        "NPROC",    "NOFILE", "MEMLOCK", "AS",    "LOCKS", "SIGPENDING",
                                        "MSGQUEUE", "NICE",   "RTPRIO",  "RTTIME"};
    for (int resource = 0; resource < 16; resource++)
        if (strcmp(names[resource], arguments[0]) == 0) {
            struct rlimit limit;
            if (getrlimit(resource, &limit) < 0) {
                say_errno();
                return;
            }
            if (limit.rlim_cur == RLIM_INFINITY)
                say("infinity:");
            else
                say("%llu:", (unsigned long long)limit.rlim_cur);
            if (limit.rlim_max == RLIM_INFINITY)
                say("infinity");
            else
                say("%llu", (unsigned long long)limit.rlim_max);
            return;
        }
    say("!unknown-limit");
}

static void affinity_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) < 0) {
        say_errno();
        return;
    }
    const char* separator = "";
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &set)) {
            say("%s%d", separator, cpu);
            separator = ",";
        }
}

static void personality_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    say("%x", (unsigned)personality(0xffffffff));
}

// CLASS LEVEL
static void io_priority_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    long value = syscall(SYS_ioprio_get, 1, 0);
    if (value < 0)
        say_errno();
    else
        say("%ld %ld", value >> 13, value & 7);
}

static void hostname_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    char name[256];
    if (gethostname(name, sizeof name) < 0)
        say_errno();
    else
        say("%s", name);
}

static void pdeathsig_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    int signal = -1;
    prctl(PR_GET_PDEATHSIG, &signal);
    say("%d", signal);
}

// COMMAND ARGUMENT...: "STATUS\nOUTPUT", 128+n for a signal
static void run_verb(int count, char** arguments) {
    (void)count;
    int pipe_ends[2];
    if (pipe2(pipe_ends, O_CLOEXEC) < 0) {
        say_errno();
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_RDONLY);
        if (null >= 0)
            dup2(null, 0);
        dup2(pipe_ends[1], 1);
        dup2(pipe_ends[1], 2);
        execvp(arguments[0], arguments);
        dprintf(2, "exec: %s", strerrorname_np(errno));
        _exit(127);
    }
    close(pipe_ends[1]);
    static char output[1 << 20];
    size_t size = 0;
    ssize_t got;
    while (size < sizeof output && (got = read(pipe_ends[0], output + size, sizeof output - size)) > 0)
        size += (size_t)got;
    close(pipe_ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    say("%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    say_bytes(output, size);
}

// NUMBER: children that never end by themselves and ignore every signal they can
static void sleepers_verb(int count, char** arguments) {
    (void)count;
    for (int number = atoi(arguments[0]); number > 0; number--) {
        pid_t child = fork();
        if (child < 0) {
            say_errno();
            return;
        }
        if (child == 0) {
            setsid();
            // Whoever reads the other ends waits for us to let go.
            close_range(0, ~0U, 0);
            for (;;)
                pause();
        }
    }
    say("ok");
}

static void sleep_verb(int count, char** arguments) {
    (void)count;
    long milliseconds = atol(arguments[0]);
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
    say("ok");
}

static void exit_verb(int count, char** arguments) {
    (void)count;
    _exit(atoi(arguments[0]));
}

// restart, poweroff, halt, kexec: does not come back if it is allowed
static void reboot_verb(int count, char** arguments) {
    (void)count;
    unsigned command = strcmp(arguments[0], "restart") == 0    ? LINUX_REBOOT_CMD_RESTART
                       : strcmp(arguments[0], "poweroff") == 0 ? LINUX_REBOOT_CMD_POWER_OFF
                       : strcmp(arguments[0], "halt") == 0     ? LINUX_REBOOT_CMD_HALT
                       : strcmp(arguments[0], "cad-on") == 0   ? LINUX_REBOOT_CMD_CAD_ON
                                                               : LINUX_REBOOT_CMD_KEXEC;
    say_result(reboot((int)command));
}

static void silent_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    for (;;)
        pause();
}

const struct verb process_verbs[] = {
    {"env", 0, env_verb},
    {"getenv", 1, getenv_verb},
    {"arguments", 0, arguments_verb},
    {"descriptors", 0, descriptors_verb},
    {"pid", 0, pid_verb},
    {"cwd", 0, cwd_verb},
    {"umask", 0, umask_verb},
    {"limit", 1, limit_verb},
    {"affinity", 0, affinity_verb},
    {"personality", 0, personality_verb},
    {"io-priority", 0, io_priority_verb},
    {"hostname", 0, hostname_verb},
    {"pdeathsig", 0, pdeathsig_verb},
    {"run", 1, run_verb},
    {"sleepers", 1, sleepers_verb},
    {"sleep", 1, sleep_verb},
    {"exit", 1, exit_verb},
    {"reboot", 1, reboot_verb},
    {"silent", 0, silent_verb},
    {NULL, 0, NULL},
};
