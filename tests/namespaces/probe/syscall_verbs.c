// SPDX-License-Identifier: LGPL-2.1-or-later
// System calls by name or number, in a child, so that what they do goes with it; on both ABIs of the machine.
#include "answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char* name;
    long number;
} names[] = {
    {"acct", SYS_acct},
    {"add_key", SYS_add_key},
    {"adjtimex", SYS_adjtimex},
    {"bpf", SYS_bpf},
    {"clock_settime", SYS_clock_settime},
    {"clone3", SYS_clone3},
    {"delete_module", SYS_delete_module},
    {"fanotify_init", SYS_fanotify_init},
    {"finit_module", SYS_finit_module},
    {"fsopen", SYS_fsopen},
    {"getpid", SYS_getpid},
    {"init_module", SYS_init_module},
    {"io_uring_setup", SYS_io_uring_setup},
    {"kexec_load", SYS_kexec_load},
    {"keyctl", SYS_keyctl},
    {"landlock_create_ruleset", SYS_landlock_create_ruleset},
    {"mlock", SYS_mlock},
    {"mount_setattr", SYS_mount_setattr},
    {"name_to_handle_at", SYS_name_to_handle_at},
    {"open_by_handle_at", SYS_open_by_handle_at},
    {"openat2", SYS_openat2},
    {"perf_event_open", SYS_perf_event_open},
    {"pidfd_open", SYS_pidfd_open},
    {"pkey_alloc", SYS_pkey_alloc},
    {"process_vm_readv", SYS_process_vm_readv},
    {"ptrace", SYS_ptrace},
    {"quotactl", SYS_quotactl},
    {"reboot", SYS_reboot},
    {"request_key", SYS_request_key},
    {"seccomp", SYS_seccomp},
    {"setns", SYS_setns},
    {"settimeofday", SYS_settimeofday},
    {"swapoff", SYS_swapoff},
    {"swapon", SYS_swapon},
    {"sync", SYS_sync},
    {"sync_file_range", SYS_sync_file_range},
    {"syncfs", SYS_syncfs},
    {"syslog", SYS_syslog},
    {"unshare", SYS_unshare},
    {"userfaultfd", SYS_userfaultfd},
    {"vhangup", SYS_vhangup},
#ifdef __x86_64__
    {"ioperm", SYS_ioperm},
    {"iopl", SYS_iopl},
    {"modify_ldt", SYS_modify_ldt},
#endif
};

static long number_of(const char* word) {
    for (size_t index = 0; index < sizeof names / sizeof *names; index++)
        if (strcmp(names[index].name, word) == 0)
            return names[index].number;
    return strtol(word, NULL, 0);
}

// Twenty-bit exit statuses do not exist, so the answer goes through a pipe.
static void in_child(long (*call)(long, const long*), long number, const long* arguments) {
    int ends[2];
    if (pipe(ends) < 0) {
        say_errno();
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        errno = 0;
        long result = call(number, arguments);
        long pair[2] = {result, errno};
        _exit(write(ends[1], pair, sizeof pair) == sizeof pair ? 0 : 1);
    }
    close(ends[1]);
    long pair[2];
    ssize_t size = read(ends[0], pair, sizeof pair);
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (size != sizeof pair) {
        say("!killed-by-%d", WTERMSIG(status));
        return;
    }
    errno = (int)pair[1];
    if (pair[0] < 0)
        say_errno();
    else
        say("ok");
}

static long native(long number, const long* arguments) {
    return syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

#ifdef __x86_64__
// The i386 entry: numbers of that ABI, arguments cut to 32 bits.
static long foreign(long number, const long* arguments) {
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(arguments[0]), "c"(arguments[1]), "d"(arguments[2]), "S"(arguments[3]),
                       "D"(arguments[4])
                     : "memory", "r8", "r9", "r10", "r11");
    int low = (int)result;
    if (low < 0 && low > -4096) {
        errno = -low;
        return -1;
    }
    return low;
}
#endif

static void run(long (*call)(long, const long*), int count, char** arguments) {
    long numbers[6] = {0};
    for (int index = 1; index < count && index < 7; index++)
        numbers[index - 1] = strtol(arguments[index], NULL, 0);
    in_child(call, number_of(arguments[0]), numbers);
}

// NAME|NUMBER ARGUMENT...
static void syscall_verb(int count, char** arguments) {
    run(native, count, arguments);
}
static void syscall32_verb(int count, char** arguments) {
#ifdef __x86_64__
    run(foreign, count, arguments);
#else
    (void)count;
    (void)arguments;
    say("!no-such-abi");
#endif
}

const struct verb syscall_verbs[] = {
    {"syscall", 1, syscall_verb},
    {"syscall32", 1, syscall32_verb},
    {NULL, 0, NULL},
};
