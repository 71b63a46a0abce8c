// SPDX-License-Identifier: LGPL-2.1-or-later
// What the launcher tells the supervisor program when it execs it: one struct in a memfd, whose number is argv[1].
// Plain old data, because the supervisor links no C++ library: it stays as long as the machine and must be small.
#pragma once

#include <stdint.h>

#define KEEPER_ORDERS_MAGIC 0x6d616368696e6901ULL

enum keeper_console {
    KEEPER_CONSOLE_INTERACTIVE = 0, // console_fd is a pty master; relayed both ways, host terminal raw
    KEEPER_CONSOLE_READ_ONLY = 1,   // console_fd is a pty master; its output goes to stdout
    KEEPER_CONSOLE_PASSIVE = 2,     // console_fd is a pty master; what is queued at the end goes to stdout
    KEEPER_CONSOLE_PIPE = 3,        // pipe_fds relayed: our 0 -> [0], [1] -> our 1, [2] -> our 2
};

// Flags
#define KEEPER_KEEP_UNIT 1u    // a reboot of the machine ends the supervisor with 133
#define KEEPER_NOTIFY_READY 2u // READY=1 goes up only after the machine's own
#define KEEPER_QUIET 4u
#define KEEPER_BOOTED 8u       // an init runs: machine-level messages apply
#define KEEPER_TITLE 16u       // set the terminal's title
#define KEEPER_FIRST_START 32u // not a start after a reboot of the machine

struct keeper_orders {
    uint64_t magic;
    uint32_t size; // of this struct
    uint32_t flags;
    int32_t leader_pidfd; // process 1 of the machine; our child
    int32_t leader_pid;
    int32_t console;          // enum keeper_console
    int32_t console_fd;       // -1 if none
    int32_t pipe_fds[3];      // -1 where not used
    int32_t notify_fd;        // bound AF_UNIX datagram socket with SO_PASSCRED; -1 if none
    int32_t run_directory_fd; // O_RDONLY directory (run_directory.hpp)
    int32_t lock_fd;          // run directory's lock, flocked
    int32_t cgroup_fd;        // O_RDONLY directory of the payload's cgroup; -1 if none
    int32_t kill_signal;      // 0: none; a booted one is asked by LAUNCHER poweroff NAME, others are ended abruptly
    // Kept open and handed on to the next start when the machine reboots; -1 where not used.
    int32_t kept_fds[16];
    // Only held open while the machine runs (what must not be closed by its last user); -1 where not used.
    int32_t held_fds[4];
    int32_t network_fd;    // the machine's network, for what is undone in it, and for the next start; -1 if nothing is
    int32_t spec_fd;       // spec.json of the run directory
    int32_t journal_pidfd; // our child that writes the machine's journal down, also for the next start; -1 if none
    // NUL-terminated texts
    char name[65];
    char background[64];     // SGR parameters, "" for none
    char launcher[512];      // program to exec for a new start: LAUNCHER --start-again ORDERS_FD
    char undo[4096];         // the lines of RUN_DIRECTORY/undo
    char run_directory[256]; // path of run_directory_fd, removed last
};
