// SPDX-License-Identifier: LGPL-2.1-or-later
// Who the process is: ids, capabilities, terminal, keyring; and questions asked as somebody else.
#include "answer.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

static void ids_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    uid_t real, effective, saved;
    gid_t real_group, effective_group, saved_group;
    getresuid(&real, &effective, &saved);
    getresgid(&real_group, &effective_group, &saved_group);
    say("uid=%u,%u,%u gid=%u,%u,%u groups=", real, effective, saved, real_group, effective_group, saved_group);
    gid_t groups[64];
    int number = getgroups(64, groups);
    for (int index = 0; index < number; index++)
        say("%s%u", index ? "," : "", groups[index]);
}

// FIELD of /proc/self/status
static void status_verb(int count, char** arguments) {
    (void)count;
    FILE* file = fopen("/proc/self/status", "re");
    if (!file) {
        say_errno();
        return;
    }
    char line[1024];
    size_t length = strlen(arguments[0]);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, arguments[0], length) == 0 && line[length] == ':') {
            line[strcspn(line, "\n")] = 0;
            say("%s", line + length + 1 + strspn(line + length + 1, "\t "));
            fclose(file);
            return;
        }
    fclose(file);
    say("!no-field");
}

// "bounding=HEX effective=HEX permitted=HEX inheritable=HEX ambient=HEX"
static void capabilities_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    unsigned long long bounding = 0, ambient = 0;
    for (unsigned long bit = 0; bit < 64; bit++) {
        if (prctl(PR_CAPBSET_READ, bit, 0, 0, 0) == 1)
            bounding |= 1ULL << bit;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, bit, 0, 0) == 1)
            ambient |= 1ULL << bit;
    }
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0) {
        say_errno();
        return;
    }
    say("bounding=%llx effective=%llx permitted=%llx inheritable=%llx ambient=%llx", bounding,
        (unsigned long long)data[1].effective << 32 | data[0].effective,
        (unsigned long long)data[1].permitted << 32 | data[0].permitted,
        (unsigned long long)data[1].inheritable << 32 | data[0].inheritable, ambient);
}

static void terminal_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    say("controlling=%s isatty=%d%d%d name=%s", terminal < 0 ? strerrorname_np(errno) : "yes", isatty(0), isatty(1),
        isatty(2), isatty(0) ? ttyname(0) : "-");
    if (terminal >= 0) {
        struct winsize size = {0};
        ioctl(terminal, TIOCGWINSZ, &size);
        say(" session=%d rows=%u columns=%u", tcgetsid(terminal), size.ws_row, size.ws_col);
        close(terminal);
    }
}

// A new terminal of the machine's: "KIND MODE OWNER:GROUP NAME"
static void terminal_pair_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    char name[128];
    struct stat status;
    int master = open("/dev/ptmx", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (master < 0 || unlockpt(master) < 0 || ptsname_r(master, name, sizeof name) != 0 || stat(name, &status) < 0)
        say_errno();
    else
        say("%s %04o %u:%u %s", S_ISCHR(status.st_mode) ? "chr" : "?", status.st_mode & 07777, status.st_uid,
            status.st_gid, name);
    if (master >= 0)
        close(master);
}

// Types a character into the controlling terminal's input, as an attacker of whoever shares it would
static void type_into_terminal_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    char byte = 'x';
    say_result(ioctl(terminal < 0 ? 0 : terminal, TIOCSTI, &byte));
    if (terminal >= 0)
        close(terminal);
}

// "TYPE;UID;GID;PERMISSIONS;NAME" of the session keyring
static void keyring_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    char description[512];
    long size = syscall(SYS_keyctl, 6 /* KEYCTL_DESCRIBE */, -3 /* KEY_SPEC_SESSION_KEYRING */, description,
                        sizeof description);
    if (size < 0) {
        say_errno();
        return;
    }
    say("%ld %s", syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3, 0), description);
}

struct person {
    uid_t uid;
};
static int become(void* argument) {
    const struct person* person = argument;
    return setgroups(0, NULL) < 0 || setresgid(person->uid, person->uid, person->uid) < 0 ||
                   setresuid(person->uid, person->uid, person->uid) < 0
               ? -1
               : 0;
}
// UID VERB ARGUMENT...: the same question asked by that user
static void as_verb(int count, char** arguments) {
    struct person person = {(uid_t)strtoul(arguments[0], NULL, 10)};
    answer_in_child(count - 1, arguments + 1, become, &person);
}

static int leave_namespaces(void* argument) {
    return unshare(*(int*)argument);
}
// user|mount|net|pid|uts|ipc|cgroup VERB ARGUMENT...: the same question asked from a new namespace
static void unshared_verb(int count, char** arguments) {
    static const struct {
        const char* name;
        int flag;
    } kinds[] = {{"user", CLONE_NEWUSER}, {"mount", CLONE_NEWNS}, {"net", CLONE_NEWNET},      {"pid", CLONE_NEWPID},
                 {"uts", CLONE_NEWUTS},   {"ipc", CLONE_NEWIPC},  {"cgroup", CLONE_NEWCGROUP}};
    for (size_t index = 0; index < sizeof kinds / sizeof *kinds; index++)
        if (strcmp(kinds[index].name, arguments[0]) == 0) {
            int flag = kinds[index].flag;
            answer_in_child(count - 1, arguments + 1, leave_namespaces, &flag);
            return;
        }
    say("!unknown-namespace");
}

static void child_verb(int count, char** arguments) {
    answer_in_child(count, arguments, NULL, NULL);
}

static void namespace_verb(int count, char** arguments) {
    (void)count;
    char path[64], target[128];
    snprintf(path, sizeof path, "/proc/self/ns/%s", arguments[0]);
    ssize_t size = readlink(path, target, sizeof target);
    if (size < 0)
        say_errno();
    else
        say_bytes(target, (size_t)size);
}

const struct verb identity_verbs[] = {
    {"ids", 0, ids_verb},
    {"status", 1, status_verb},
    {"capabilities", 0, capabilities_verb},
    {"terminal", 0, terminal_verb},
    {"type-into-terminal", 0, type_into_terminal_verb},
    {"keyring", 0, keyring_verb},
    {"terminal-pair", 0, terminal_pair_verb},
    {"as", 2, as_verb},
    {"unshared", 2, unshared_verb},
    {"child", 1, child_verb},
    {"namespace", 1, namespace_verb},
    {NULL, 0, NULL},
};
