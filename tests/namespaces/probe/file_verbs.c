// SPDX-License-Identifier: LGPL-2.1-or-later
// What files are, hold, and allow.
#include "answer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char* kind_of(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFREG: return "reg";
    case S_IFDIR: return "dir";
    case S_IFCHR: return "chr";
    case S_IFBLK: return "blk";
    case S_IFIFO: return "fifo";
    case S_IFSOCK: return "sock";
    case S_IFLNK: return "lnk";
    default: return "?";
    }
}

// KIND MODE RDEV OWNER:GROUP of the inode itself, no link followed
static void stat_verb(int count, char** arguments) {
    (void)count;
    struct stat status;
    if (lstat(arguments[0], &status) < 0)
        say_errno();
    else
        say("%s %04o %u:%u %u:%u", kind_of(status.st_mode), status.st_mode & 07777, major(status.st_rdev),
            minor(status.st_rdev), status.st_uid, status.st_gid);
}

static void size_verb(int count, char** arguments) {
    (void)count;
    struct stat status;
    if (stat(arguments[0], &status) < 0)
        say_errno();
    else
        say("%lld", (long long)status.st_size);
}

static void filesystem_verb(int count, char** arguments) {
    (void)count;
    static const struct {
        unsigned long magic;
        const char* name;
    } names[] = {{0x01021994, "tmpfs"}, {0x9fa0, "proc"},       {0x62656572, "sysfs"},    {0x63677270, "cgroup2"},
                 {0x1cd1, "devpts"},    {0x19800202, "mqueue"}, {0x858458f6, "ramfs"},    {0x794c7630, "overlay"},
                 {0xef53, "ext4"},      {0x9123683e, "btrfs"},  {0x73717368, "squashfs"}, {0xe0f5e1e2, "erofs"},
                 {0x58465342, "xfs"},   {0x27e0eb, "cgroup"},   {0xf97cff8c, "selinux"},  {0x6e736673, "nsfs"},
                 {0x65735546, "fuse"},  {0xcafe4a11, "bpf"}};
    struct statfs status;
    if (statfs(arguments[0], &status) < 0) {
        say_errno();
        return;
    }
    for (size_t index = 0; index < sizeof names / sizeof *names; index++)
        if (names[index].magic == (unsigned long)status.f_type) {
            say("%s", names[index].name);
            return;
        }
    say("%lx", (unsigned long)status.f_type);
}

static void cat_verb(int count, char** arguments) {
    (void)count;
    int file = open(arguments[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) {
        say_errno();
        return;
    }
    char bytes[65536];
    ssize_t size;
    while ((size = read(file, bytes, sizeof bytes)) > 0)
        say_bytes(bytes, (size_t)size);
    if (size < 0)
        say_errno();
    close(file);
}

static void ls_verb(int count, char** arguments) {
    (void)count;
    struct dirent** entries;
    int number = scandir(arguments[0], &entries, NULL, alphasort);
    if (number < 0) {
        say_errno();
        return;
    }
    const char* separator = "";
    for (int index = 0; index < number; index++) {
        if (strcmp(entries[index]->d_name, ".") != 0 && strcmp(entries[index]->d_name, "..") != 0) {
            say("%s%s", separator, entries[index]->d_name);
            separator = " ";
        }
        free(entries[index]);
    }
    free(entries);
}

static void readlink_verb(int count, char** arguments) {
    (void)count;
    char target[4096];
    ssize_t size = readlink(arguments[0], target, sizeof target);
    if (size < 0)
        say_errno();
    else
        say_bytes(target, (size_t)size);
}

// PATH FLAGS: r, w, c (create), n (exclusive), s (synchronous), b (may block); closes it again
static void open_verb(int count, char** arguments) {
    const char* letters = count > 1 ? arguments[1] : "r";
    int flags = strchr(letters, 'w') ? (strchr(letters, 'r') ? O_RDWR : O_WRONLY) : O_RDONLY;
    flags |= O_CLOEXEC | O_NOCTTY;
    flags |= strchr(letters, 'c') ? O_CREAT : 0;
    flags |= strchr(letters, 'n') ? O_EXCL : 0;
    flags |= strchr(letters, 's') ? O_SYNC : 0;
    flags |= strchr(letters, 'b') ? 0 : O_NONBLOCK;
    int file = open(arguments[0], flags, 0644);
    say_result(file);
    if (file >= 0)
        close(file);
}

// PATH TEXT...: into an existing file, in one write
static void write_verb(int count, char** arguments) {
    int file = open(arguments[0], O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file < 0) {
        say_errno();
        return;
    }
    char text[8192] = "";
    size_t size = 0;
    for (int index = 1; index < count; index++) {
        size_t length = strlen(arguments[index]);
        if (size + length + 2 > sizeof text)
            break;
        if (index > 1)
            text[size++] = ' ';
        memcpy(text + size, arguments[index], length);
        size += length;
    }
    say_result(write(file, text, size));
    close(file);
}

static void create_verb(int count, char** arguments) {
    int file = open(arguments[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
    if (file < 0) {
        say_errno();
        return;
    }
    if (count > 1 && write(file, arguments[1], strlen(arguments[1])) < 0)
        say_errno();
    else
        say("ok");
    close(file);
}

static void mkdir_verb(int count, char** arguments) {
    say_result(mkdir(arguments[0], count > 1 ? (mode_t)strtoul(arguments[1], NULL, 8) : 0755));
}
static void unlink_verb(int count, char** arguments) {
    (void)count;
    say_result(unlink(arguments[0]));
}
static void rmdir_verb(int count, char** arguments) {
    (void)count;
    say_result(rmdir(arguments[0]));
}
static void symlink_verb(int count, char** arguments) {
    (void)count;
    say_result(symlink(arguments[0], arguments[1]));
}
static void rename_verb(int count, char** arguments) {
    (void)count;
    say_result(rename(arguments[0], arguments[1]));
}
static void chmod_verb(int count, char** arguments) {
    (void)count;
    say_result(chmod(arguments[0], (mode_t)strtoul(arguments[1], NULL, 8)));
}
static void chown_verb(int count, char** arguments) {
    (void)count;
    say_result(lchown(arguments[0], (uid_t)strtoul(arguments[1], NULL, 10), (gid_t)strtoul(arguments[2], NULL, 10)));
}

// PATH chr|blk|fifo MAJOR MINOR
static void mknod_verb(int count, char** arguments) {
    mode_t kind = strcmp(arguments[1], "chr") == 0 ? S_IFCHR : strcmp(arguments[1], "blk") == 0 ? S_IFBLK : S_IFIFO;
    dev_t device = count > 3 ? makedev((unsigned)atoi(arguments[2]), (unsigned)atoi(arguments[3])) : 0;
    say_result(mknod(arguments[0], kind | 0666, device));
}

// Makes the node where nothing forbids it and opens it: what of the two is refused, and how
static void device_verb(int count, char** arguments) {
    (void)count;
    mode_t kind = strcmp(arguments[1], "chr") == 0 ? S_IFCHR : S_IFBLK;
    unlink(arguments[0]);
    if (mknod(arguments[0], kind | 0666, makedev((unsigned)atoi(arguments[2]), (unsigned)atoi(arguments[3]))) < 0) {
        say("mknod ");
        say_errno();
        return;
    }
    int file = open(arguments[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    say("open ");
    say_result(file);
    if (file >= 0)
        close(file);
    unlink(arguments[0]);
}

// PATH shared|exclusive: held until the end of the machine
static void lock_verb(int count, char** arguments) {
    int file = open(arguments[0], O_RDONLY | O_CLOEXEC);
    say_result(file < 0 ? -1 : flock(file, (count > 1 && *arguments[1] == 's' ? LOCK_SH : LOCK_EX) | LOCK_NB));
}

static void fsync_verb(int count, char** arguments) {
    (void)count;
    if (strcmp(arguments[0], "-1") == 0) {
        say_result(fsync(-1));
        return;
    }
    int file = open(arguments[0], O_RDONLY | O_CLOEXEC);
    say_result(file < 0 ? -1 : fsync(file));
    if (file >= 0)
        close(file);
}

const struct verb file_verbs[] = {
    {"stat", 1, stat_verb},       {"size", 1, size_verb},     {"filesystem", 1, filesystem_verb},
    {"cat", 1, cat_verb},         {"ls", 1, ls_verb},         {"readlink", 1, readlink_verb},
    {"open", 1, open_verb},       {"write", 2, write_verb},   {"create", 1, create_verb},
    {"mkdir", 1, mkdir_verb},     {"unlink", 1, unlink_verb}, {"rmdir", 1, rmdir_verb},
    {"symlink", 2, symlink_verb}, {"rename", 2, rename_verb}, {"chmod", 2, chmod_verb},
    {"chown", 3, chown_verb},     {"mknod", 2, mknod_verb},   {"device", 4, device_verb},
    {"lock", 1, lock_verb},       {"fsync", 1, fsync_verb},   {NULL, 0, NULL},
};
