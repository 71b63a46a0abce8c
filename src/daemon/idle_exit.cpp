// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/idle_exit.hpp"

#include "bus/log.hpp"

namespace machinist {

IdleExit::IdleExit(Service& service, std::chrono::seconds patience, std::function<bool()> has_work,
                   std::function<void()> release)
    : service_(service), patience_(patience), has_work_(std::move(has_work)), release_(std::move(release)) {
    if (patience_.count() > 0)
        timer_ = service_.loop.after(patience_, [this] { look(); });
}

bool IdleExit::is_idle() const {
    return service_.registry.machines().empty() && Call::waiting() == 0 && !has_work_();
}

void IdleExit::look() {
    const std::uint64_t calls = Call::served();
    if (!is_idle() || calls != calls_before_) {
        calls_before_ = calls;
        timer_ = service_.loop.after(patience_, [this] { look(); });
        return;
    }
    release_();
    // Calls that came before the names were gone are ours to answer.
    while (service_.bus.process_one())
        continue;
    if (is_idle()) {
        log_debug("nobody needs this service now");
        service_.loop.exit(0);
        return;
    }
    // A machine came at the last moment. Its registrant has been answered; it is kept by whoever is started next, from
    // the state files. Calls that wait are answered before the end.
    if (Call::waiting() > 0)
        timer_ = service_.loop.after(std::chrono::seconds{1}, [this] { look(); });
    else
        service_.loop.exit(0);
}

} // namespace machinist
