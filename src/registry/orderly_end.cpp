// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/orderly_end.hpp"

#include <csignal>

namespace machinist {

namespace {

struct Row {
    std::string_view init;
    int power_off;
    int reboot;
};

// SIGINT is what the kernel sends process 1 of a host for Ctrl-Alt-Del, so most take it for "reboot".
const Row rows[]{
    {"systemd", SIGRTMIN + 4, SIGINT}, // Container Interface E1, E2
    {"sysvinit", 0, SIGINT},           {"busybox", SIGUSR2, SIGTERM}, {"openrc", 0, SIGINT}, {"runit", 0, SIGINT},
    {"stub", SIGRTMIN + 4, SIGINT}}; // our own process 1 beside a command

} // namespace

OrderlyEnd orderly_end(std::string_view init, EndKind kind) {
    OrderlyEnd end;
    for (const Row& row : rows)
        if (row.init == init)
            end.signal = kind == EndKind::power_off ? row.power_off : row.reboot;
    if (end.signal == 0)
        end.command = kind == EndKind::power_off ? "poweroff" : "reboot";
    return end;
}

} // namespace machinist
