// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/orderly_end.hpp"

#include <csignal>

namespace machinist {

namespace {

struct Row {
    std::string_view init;
    OrderlyEnd power_off;
    OrderlyEnd reboot;
    bool is_silent;
};

// Of System V's init and runit, process 1 takes such requests only by what their own programs write for it. What either
// does for Ctrl-Alt-Del (SIGINT) is for tables and scripts of the system to say, and to wait for: Debian's runit sleeps
// 14 seconds.
const OrderlyEnd by_init_0{.signal = 0, .command = {"/sbin/init", "0"}};
const OrderlyEnd by_init_6{.signal = 0, .command = {"/sbin/init", "6"}};

// Its scripts are run by its own process 1, which reads a fifo, or by System V's.
OrderlyEnd of_openrc(const std::string& option, const std::string& runlevel) {
    return {.signal = 0,
            .command = {"/bin/sh", "-c",
                        "[ -p /run/openrc/init.ctl ] && exec openrc-shutdown " + option + " now; exec /sbin/init " +
                            runlevel}};
}

const Row rows[]{{"systemd", {SIGRTMIN + 4, {}}, {SIGINT, {}}, false}, // Container Interface E1, E2
                 {"sysvinit", by_init_0, by_init_6, true},
                 {"busybox", {SIGUSR2, {}}, {SIGTERM, {}}, true},
                 {"openrc", of_openrc("--poweroff", "0"), of_openrc("--reboot", "6"), true},
                 {"runit", by_init_0, by_init_6, true},
                 {"s6", {SIGUSR1, {}}, {SIGINT, {}}, true},          // as s6-linux-init has it
                 {"stub", {SIGRTMIN + 4, {}}, {SIGINT, {}}, false}}; // our own process 1 beside a command

} // namespace

OrderlyEnd orderly_end(std::string_view init, EndKind kind) {
    for (const Row& row : rows)
        if (row.init == init)
            return kind == EndKind::power_off ? row.power_off : row.reboot;
    return {.signal = 0, .command = {kind == EndKind::power_off ? "poweroff" : "reboot"}};
}

bool is_silent_init(std::string_view init) {
    for (const Row& row : rows)
        if (row.init == init)
            return row.is_silent;
    return false;
}

} // namespace machinist
