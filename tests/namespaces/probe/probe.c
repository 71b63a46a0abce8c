// SPDX-License-Identifier: LGPL-2.1-or-later
// The init of machines under test: answers questions about what it sees from inside, one line for one line.
#include "answer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char* text;
static size_t used, room;

void say_bytes(const char* bytes, size_t size) {
    if (used + size + 1 > room) {
        room = (used + size + 1) * 2;
        text = realloc(text, room);
        if (!text)
            abort();
    }
    memcpy(text + used, bytes, size);
    used += size;
}

void say(const char* format, ...) {
    char line[4096];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    say_bytes(line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1);
}

void say_errno(void) {
    const char* name = strerrorname_np(errno);
    if (name)
        say("!%s", name);
    else
        say("!%d", errno);
}

void say_result(long result) {
    if (result < 0)
        say_errno();
    else
        say("ok");
}

static void write_all(int file, const char* bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(file, bytes, size);
        if (written < 0) {
            if (errno == EINTR)
                continue;
            _exit(99);
        }
        bytes += written;
        size -= (size_t)written;
    }
}

void answer(int count, char** words) {
    static const struct verb* const tables[] = {file_verbs,   mount_verbs,  process_verbs, identity_verbs,
                                                signal_verbs, socket_verbs, syscall_verbs};
    for (size_t table = 0; table < sizeof tables / sizeof *tables; table++)
        for (const struct verb* verb = tables[table]; verb->name; verb++)
            if (strcmp(verb->name, words[0]) == 0) {
                if (count - 1 < verb->arguments)
                    say("!few-arguments");
                else
                    verb->run(count - 1, words + 1);
                return;
            }
    say("!unknown");
}

void answer_in_child(int count, char** words, int (*prepare)(void* argument), void* argument) {
    int pipe_ends[2];
    if (pipe(pipe_ends) < 0) {
        say_errno();
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        close(pipe_ends[0]);
        used = 0;
        if (prepare && prepare(argument) < 0)
            say_errno();
        else
            answer(count, words);
        write_all(pipe_ends[1], text, used);
        _exit(0);
    }
    close(pipe_ends[1]);
    char bytes[4096];
    ssize_t size;
    while ((size = read(pipe_ends[0], bytes, sizeof bytes)) != 0)
        if (size > 0)
            say_bytes(bytes, (size_t)size);
        else if (errno != EINTR)
            break;
    close(pipe_ends[0]);
    int status = 0;
    if (child < 0)
        say_errno();
    else if (waitpid(child, &status, 0) == child && WIFSIGNALED(status))
        say("!killed-by-%d", WTERMSIG(status));
}

// "\n" and "\\" and "\s" (a space within a word) in a question are what they stand for.
static void unescape(char* word) {
    char* to = word;
    for (char* from = word; *from; from++)
        if (*from == '\\' && from[1]) {
            from++;
            *to++ = *from == 'n' ? '\n' : *from == 's' ? ' ' : *from;
        } else {
            *to++ = *from;
        }
    *to = 0;
}

static void write_answer(void) {
    char* line = malloc(2 * used + 2);
    size_t size = 0;
    if (!line)
        abort();
    for (size_t index = 0; index < used; index++) {
        char byte = text[index];
        if (byte == '\n' || byte == '\\' || byte == '\r') {
            line[size++] = '\\';
            byte = byte == '\n' ? 'n' : byte == '\r' ? 'r' : '\\';
        }
        line[size++] = byte;
    }
    line[size++] = '\n';
    write_all(1, line, size);
    free(line);
}

// Byte by byte: what comes after the line may be meant for a program that this one starts.
static ssize_t read_line(char* line, size_t room_for_line) {
    size_t size = 0;
    for (;;) {
        ssize_t got = read(0, line + size, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        if (line[size] == '\n' || line[size] == '\r') {
            line[size] = 0;
            return (ssize_t)size;
        }
        if (size + 2 < room_for_line)
            size++;
    }
}

int main(int argc, char** argv) {
    say_bytes("", 0);
    // One question as arguments: for use without a dialogue.
    if (argc > 2 && strcmp(argv[1], "--ask") == 0) {
        answer(argc - 2, argv + 2);
        write_all(1, text, used);
        write_all(1, "\n", 1);
        return 0;
    }
    static char line[65536];
    while (read_line(line, sizeof line) >= 0) {
        char* words[256];
        int count = 0;
        for (char* word = strtok(line, " "); word && count < 255; word = strtok(NULL, " ")) {
            unescape(word);
            words[count++] = word;
        }
        words[count] = NULL;
        if (count == 0)
            continue;
        used = 0;
        answer(count, words);
        write_answer();
    }
    return 0;
}
