// SPDX-License-Identifier: LGPL-2.1-or-later
// Signals that came, and signals to send. Numbers are given as they are, "RTMIN+3" as the C library counts.
#include "answer.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t came[65];

static void note(int signal) {
    came[signal]++;
}

static int number_of(const char* word) {
    static const struct {
        const char* name;
        int number;
    } names[] = {{"HUP", SIGHUP},   {"INT", SIGINT},   {"TERM", SIGTERM},   {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
                 {"QUIT", SIGQUIT}, {"KILL", SIGKILL}, {"WINCH", SIGWINCH}, {"CONT", SIGCONT}, {"PWR", SIGPWR}};
    if (strncmp(word, "RTMIN+", 6) == 0)
        return SIGRTMIN + atoi(word + 6);
    for (size_t index = 0; index < sizeof names / sizeof *names; index++)
        if (strcmp(names[index].name, word) == 0)
            return names[index].number;
    return atoi(word);
}

// SIGNAL...: from now on they are counted and do nothing else
static void catch_verb(int count, char** arguments) {
    for (int index = 0; index < count; index++) {
        struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
        if (sigaction(number_of(arguments[index]), &action, NULL) < 0) {
            say_errno();
            return;
        }
    }
    say("ok");
}

static void ignore_verb(int count, char** arguments) {
    for (int index = 0; index < count; index++)
        signal(number_of(arguments[index]), SIG_IGN);
    say("ok");
}

// SIGNAL MILLISECONDS: how often it came by then; returns with the first
static void came_verb(int count, char** arguments) {
    (void)count;
    int signal = number_of(arguments[0]);
    for (long left = count > 1 ? atol(arguments[1]) : 0; left > 0 && !came[signal]; left -= 5)
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    say("%d", (int)came[signal]);
}

// PID SIGNAL
static void kill_verb(int count, char** arguments) {
    (void)count;
    say_result(kill((pid_t)atol(arguments[0]), number_of(arguments[1])));
}

static void dispositions_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    say("blocked=");
    const char* separator = "";
    for (int signal = 1; signal < 65; signal++)
        if (sigismember(&mask, signal) == 1) {
            say("%s%d", separator, signal);
            separator = ",";
        }
    say(" ignored=");
    separator = "";
    for (int signal = 1; signal < 65; signal++) {
        struct sigaction action;
        if (sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
            say("%s%d", separator, signal);
            separator = ",";
        }
    }
}

const struct verb signal_verbs[] = {
    {"catch", 1, catch_verb},
    {"ignore", 1, ignore_verb},
    {"came", 1, came_verb},
    {"kill", 2, kill_verb},
    {"dispositions", 0, dispositions_verb},
    {NULL, 0, NULL},
};
