// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/service/launcher_process.hpp"

#include "registry/service/own_process.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

namespace machinist {

Pidfd start_launcher(std::vector<std::string> arguments, const CallersStreams& streams) {
    arguments.insert(arguments.begin(), "run");
    return fork_own_program("machinist", arguments, [&](char* const* words) {
        take_streams(streams);
        if (::isatty(STDIN_FILENO) != 0)
            (void)::ioctl(STDIN_FILENO, TIOCSCTTY, 0); // another session's stays its own
        // No setting of ours is one of the machine's.
        char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        char* environment[] = {path, nullptr};
        ::execve(words[0], words, environment);
    });
}

} // namespace machinist
