// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/machine_watch.hpp"

#include "base/failure.hpp"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::uint32_t changes = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF;

} // namespace

MachineWatch::MachineWatch(const Places& places, std::vector<std::string> names)
    : places_(places), names_(std::move(names)), events_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (!events_)
        throw system_failure("watch files");
    watch_all();
}

// What exists already is watched twice without harm: the kernel knows directories by their inodes.
void MachineWatch::watch_all() {
    for (const auto& directory : {places_.run_directories, places_.state_files}) {
        std::filesystem::path existing = directory;
        // Before the first machine of a host there is none: its making is what is waited for.
        while (::inotify_add_watch(events_.get(), existing.c_str(), changes) < 0 && errno == ENOENT &&
               existing.has_relative_path())
            existing = existing.parent_path();
    }
    for (const std::string& name : names_)
        (void)::inotify_add_watch(events_.get(), (places_.run_directories / name).c_str(), changes);
}

void MachineWatch::watch(std::vector<std::string> names) {
    names_ = std::move(names);
    watch_all();
}

bool MachineWatch::wait(const std::vector<BorrowedFd>& processes, std::optional<Clock::time_point> deadline) {
    std::vector<pollfd> all{{.fd = events_.get(), .events = POLLIN, .revents = 0}};
    for (const BorrowedFd process : processes)
        all.push_back({.fd = process.get(), .events = POLLIN, .revents = 0});
    while (true) {
        int milliseconds = -1;
        if (deadline)
            milliseconds = static_cast<int>(std::clamp<std::int64_t>(
                std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count(), 0, 1'000'000'000));
        const int found = ::poll(all.data(), all.size(), milliseconds);
        if (found < 0 && errno != EINTR)
            throw system_failure("wait for a change");
        if (found == 0)
            return false;
        if (found > 0)
            break;
    }
    char ignored[4096];
    while (::read(events_.get(), ignored, sizeof ignored) > 0)
        continue;
    // A directory that came to be may hold files already; the caller looks at them after this.
    watch_all();
    return true;
}

} // namespace machinist
