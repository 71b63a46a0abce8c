// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/boot_progress.hpp"

#include "base/text.hpp"

#include <array>
#include <string_view>

namespace machinist {

namespace {

struct Step {
    std::string_view target;
    const char* phase;
    std::uint32_t percent;
};
// By how long Debian takes to get there.
constexpr std::array steps{Step{"sysinit.target", "sysinit", 40}, Step{"basic.target", "basic", 60},
                           Step{"multi-user.target", "multi-user", 90}, Step{"graphical.target", "graphical", 95}};

} // namespace

BootProgress boot_progress_of(const Machine& machine) {
    const auto value = [&](const char* key) {
        const auto found = machine.notifications.find(key);
        return found == machine.notifications.end() ? std::string{} : found->second;
    };
    BootProgress progress{.phase = "", .percent = 0, .status = escaped_for_people(value("STATUS"))};
    const bool tells = machine.spec && machine.spec->payload.mode == StartMode::boot;
    if (tells || !machine.notifications.empty())
        progress.phase = "starting";
    for (const Step& step : steps)
        if (value("X_SYSTEMD_UNIT_ACTIVE") == step.target) {
            progress.phase = step.phase;
            progress.percent = step.percent;
        }
    if (machine.is_ready()) {
        progress.phase = "ready";
        progress.percent = 100;
    }
    if (machine.notifications.contains("STOPPING") || machine.notifications.contains("X_SYSTEMD_SHUTDOWN"))
        progress.phase = "closing";
    return progress;
}

} // namespace machinist
