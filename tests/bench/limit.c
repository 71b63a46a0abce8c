// SPDX-License-Identifier: LGPL-2.1-or-later
// The least that starts a machine: the same kernel work as a manager does, and no decision, check or message.
// limit [-n] [-u BASE] [-m] [-d] [-s FILTER] -c CGROUP ROOT COMMAND [ARGUMENT...]
//   -n network namespace   -u user namespace of 65536 ids by an idmapped root   -m read-only parts and masks of a
//   manager -d drop capabilities   -s load this file of BPF instructions                -c born in a new cgroup below
//   this one
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static long check(long result, const char* call) {
    if (result < 0) {
        perror(call);
        _exit(125);
    }
    return result;
}
#define CHECK(call) check((long)(call), #call)
#define SYS(name, ...) check(syscall(SYS_##name, __VA_ARGS__), #name)

static const char *base, *cgroup;
static struct sock_filter instructions[BPF_MAXINSNS];
static struct sock_fprog filter = {.filter = instructions};
static int network, masks, drop;

static int fresh(const char* type, const char* mode) {
    int context = SYS(fsopen, type, FSOPEN_CLOEXEC);
    if (mode)
        SYS(fsconfig, context, FSCONFIG_SET_STRING, "mode", mode, 0);
    SYS(fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    return SYS(fsmount, context, FSMOUNT_CLOEXEC, 0);
}

static void attach(int mount, const char* target) {
    SYS(move_mount, mount, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
}

static void bind(const char* source, const char* target, uint64_t attributes) {
    int tree = syscall(SYS_open_tree, AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0)
        return; // this kernel lacks the file
    struct mount_attr set = {.attr_set = attributes};
    if (attributes)
        SYS(mount_setattr, tree, "", AT_EMPTY_PATH, &set, sizeof set);
    attach(tree, target);
}

static void mount_all(void) {
    static const struct {
        const char *type, *target, *mode;
    } fresh_ones[] = {{"tmpfs", "tmp", "1777"},     {"sysfs", "sys", NULL},         {"tmpfs", "dev", "755"},
                      {"tmpfs", "dev/shm", "1777"}, {"devpts", "dev/pts", "600"},   {"tmpfs", "run", "755"},
                      {"proc", "proc", NULL},       {"mqueue", "dev/mqueue", NULL}, {"cgroup2", "sys/fs/cgroup", NULL}};
    static const struct {
        const char* name;
        int major, minor;
    } nodes[] = {{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
                 {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
    static const char* const read_only[] = {"proc/sys",        "proc/sysrq-trigger", "proc/kallsyms", "proc/keys",
                                            "proc/timer_list", "proc/acpi",          "proc/fs",       "proc/irq",
                                            "proc/bus",        "proc/scsi"};
    for (unsigned i = 0; i < sizeof fresh_ones / sizeof *fresh_ones; i++) {
        attach(fresh(fresh_ones[i].type, fresh_ones[i].mode), fresh_ones[i].target);
        if (strcmp(fresh_ones[i].target, "dev") == 0) {
            CHECK(mkdir("dev/shm", 0755)), CHECK(mkdir("dev/pts", 0755)), CHECK(mkdir("dev/mqueue", 0755));
            for (unsigned n = 0; n < sizeof nodes / sizeof *nodes; n++)
                if (!base)
                    CHECK(mknod(nodes[n].name, S_IFCHR | 0666, makedev(nodes[n].major, nodes[n].minor)));
                else {
                    char host[32];
                    snprintf(host, sizeof host, "/%s", nodes[n].name);
                    close(CHECK(open(nodes[n].name, O_CREAT | O_WRONLY, 0600)));
                    bind(host, nodes[n].name, 0);
                }
            CHECK(symlink("/proc/self/fd", "dev/fd"));
            CHECK(symlink("pts/ptmx", "dev/ptmx"));
        }
    }
    for (unsigned i = 0; masks && i < sizeof read_only / sizeof *read_only; i++)
        bind(read_only[i], read_only[i], MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

static void drop_privileges(void) {
    if (filter.len > 0)
        SYS(seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
    if (drop) {
        struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
        struct __user_cap_data_struct sets[2];
        SYS(capget, &header, sets);
        const uint64_t kept = 0xfdecbfff;
        for (int capability = 0; capability <= CAP_LAST_CAP; capability++)
            if (!(kept >> capability & 1))
                CHECK(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0));
        sets[0].effective = sets[0].permitted &= kept;
        sets[1].effective = sets[1].permitted = 0;
        SYS(capset, &header, sets);
    }
}

static void read_filter(const char* path) {
    int file = CHECK(open(path, O_RDONLY | O_CLOEXEC));
    filter.len = CHECK(read(file, instructions, sizeof instructions)) / sizeof *instructions;
    close(file);
}

static void be_the_machine(const char* root_path, int ready, char** command) {
    uint64_t root = 0;
    if (base) {
        CHECK(read(ready, &root, sizeof root));
        CHECK(setresgid(0, 0, 0));
        CHECK(setresuid(0, 0, 0));
    }
    struct mount_attr slave = {.propagation = 1 << 19}; // MS_SLAVE
    SYS(mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &slave, sizeof slave);
    if (!base)
        root = SYS(open_tree, AT_FDCWD, root_path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    attach(root, root_path);
    CHECK(fchdir(root));
    mount_all();
    SYS(pivot_root, ".", ".");
    SYS(umount2, ".", 2); // MNT_DETACH
    CHECK(chdir("/"));
    CHECK(sethostname("limit", 5));
    setsid();
    drop_privileges();
    static char* environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "container=limit", "TERM=dumb", NULL};
    SYS(close_range, 3, ~0U, CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC);
    CHECK(execve(command[0], command, environment));
}

static int of_process(pid_t pid, const char* name, int flags) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    return CHECK(open(path, flags | O_CLOEXEC));
}

// The child sees the new descriptor, too: both use one table until it closes the rest or executes.
static void give_idmapped_root(pid_t pid, const char* root_path, int ready) {
    char line[64];
    int length = snprintf(line, sizeof line, "0 %s 65536\n", base);
    CHECK(write(of_process(pid, "uid_map", O_WRONLY), line, length));
    CHECK(write(of_process(pid, "gid_map", O_WRONLY), line, length));
    uint64_t root = SYS(open_tree, AT_FDCWD, root_path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    struct mount_attr map = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = of_process(pid, "ns/user", O_RDONLY)};
    SYS(mount_setattr, root, "", AT_EMPTY_PATH, &map, sizeof map);
    CHECK(write(ready, &root, sizeof root));
}

int main(int count, char** arguments) {
    for (int option; (option = getopt(count, arguments, "+nu:mds:c:")) != -1;)
        switch (option) {
        case 'n': network = 1; break;
        case 'u': base = optarg; break;
        case 'm': masks = 1; break;
        case 'd': drop = 1; break;
        case 's': read_filter(optarg); break;
        case 'c': cgroup = optarg; break;
        default: return 2;
        }
    if (!cgroup || count - optind < 2)
        return fputs("usage: limit [-nmd] [-u BASE] [-s FILTER] -c CGROUP ROOT COMMAND [ARGUMENT...]\n", stderr), 2;
    char own_cgroup[4096];
    snprintf(own_cgroup, sizeof own_cgroup, "%s/limit-%d", cgroup, getpid());
    CHECK(mkdir(own_cgroup, 0755));
    int ready = CHECK(eventfd(0, EFD_CLOEXEC));
    struct clone_args how = {.flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWCGROUP |
                                      CLONE_INTO_CGROUP | (network ? CLONE_NEWNET : 0) |
                                      (base ? CLONE_NEWUSER | CLONE_FILES : 0),
                             .exit_signal = SIGCHLD,
                             .cgroup = CHECK(open(own_cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC))};
    pid_t pid = SYS(clone3, &how, sizeof how);
    if (pid == 0)
        be_the_machine(arguments[optind], ready, arguments + optind + 1);
    if (base)
        give_idmapped_root(pid, arguments[optind], ready);
    int status;
    CHECK(waitpid(pid, &status, 0));
    rmdir(own_cgroup);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
