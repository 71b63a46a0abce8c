// SPDX-License-Identifier: LGPL-2.1-or-later
// The answer to one question, and the verbs that give one.
#pragma once

#include <stddef.h>

// Written on one line in the end: newlines as "\n", backslashes as "\\".
void say(const char* format, ...) __attribute__((format(printf, 1, 2)));
void say_bytes(const char* bytes, size_t size);
// "!EPERM" for the current errno; what a test sees when the kernel said no.
void say_errno(void);
// "ok" for zero and more, else the errno.
void say_result(long result);

struct verb {
    const char* name;
    int arguments; // at least so many
    void (*run)(int count, char** arguments);
};

// Runs a verb by its name as if it had been asked; "!unknown" if there is none.
void answer(int count, char** words);
// Like answer, in a forked child whose answer becomes ours; prepare runs in the child before.
void answer_in_child(int count, char** words, int (*prepare)(void* argument), void* argument);

extern const struct verb file_verbs[];
extern const struct verb mount_verbs[];
extern const struct verb process_verbs[];
extern const struct verb identity_verbs[];
extern const struct verb signal_verbs[];
extern const struct verb socket_verbs[];
extern const struct verb syscall_verbs[];
