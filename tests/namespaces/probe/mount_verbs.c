// SPDX-License-Identifier: LGPL-2.1-or-later
// What is mounted where and how, and what may be mounted.
#include "answer.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

// The topmost mount at PATH: "TYPE ROOT OPTIONS PROPAGATION SOURCE SUPER-OPTIONS"; propagation is shared, slave,
// shared,slave or private. "none" if nothing is mounted there.
static void mount_at_verb(int count, char** arguments) {
    (void)count;
    FILE* table = fopen("/proc/self/mountinfo", "re");
    if (!table) {
        say_errno();
        return;
    }
    char* line = NULL;
    size_t room = 0;
    char found[16384] = "none";
    while (getline(&line, &room, table) > 0) {
        char root[4096], point[4096], options[1024];
        int rest = 0;
        if (sscanf(line, "%*d %*d %*s %4095s %4095s %1023s %n", root, point, options, &rest) != 3 ||
            strcmp(point, arguments[0]) != 0)
            continue;
        int shared = 0, slave = 0;
        char *cursor = line + rest, *word;
        while ((word = strsep(&cursor, " ")) && strcmp(word, "-") != 0) {
            shared |= strncmp(word, "shared:", 7) == 0;
            slave |= strncmp(word, "master:", 7) == 0;
        }
        char type[256] = "", source[1024] = "", super[2048] = "";
        if (cursor)
            sscanf(cursor, "%255s %1023s %2047s", type, source, super);
        snprintf(found, sizeof found, "%s %s %s %s %s %s", type, root, options,
                 shared && slave ? "shared,slave"
                 : shared        ? "shared"
                 : slave         ? "slave"
                                 : "private",
                 source, super);
    }
    free(line);
    fclose(table);
    say_bytes(found, strlen(found));
}

// TYPE SOURCE TARGET [OPTIONS]
static void mount_verb(int count, char** arguments) {
    say_result(mount(arguments[1], arguments[2], arguments[0], 0, count > 3 ? arguments[3] : NULL));
}
static void bind_verb(int count, char** arguments) {
    (void)count;
    say_result(mount(arguments[0], arguments[1], NULL, MS_BIND, NULL));
}
static void remount_writable_verb(int count, char** arguments) {
    (void)count;
    say_result(mount(NULL, arguments[0], NULL, MS_REMOUNT | MS_BIND, NULL));
}
static void unmount_verb(int count, char** arguments) {
    (void)count;
    say_result(umount2(arguments[0], MNT_DETACH));
}

const struct verb mount_verbs[] = {
    {"mount-at", 1, mount_at_verb}, {"mount", 3, mount_verb},
    {"bind", 2, bind_verb},         {"remount-writable", 1, remount_writable_verb},
    {"unmount", 1, unmount_verb},   {NULL, 0, NULL},
};
