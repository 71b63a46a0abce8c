// SPDX-License-Identifier: LGPL-2.1-or-later
// Members that tell how far a machine has come, or wait for it.
#include "base/failure.hpp"
#include "daemon/boot_watch.hpp"
#include "daemon/interfaces.hpp"

#include <algorithm>

namespace machinist {

void attach_boot(Interfaces& interfaces, Service& service, BootWatch& boot) {
    attach_machine_verb(interfaces.machine1, service, "Wait", [&](const Call& call, const std::string& name) {
        const auto condition = call.take<std::string>();
        constexpr std::uint64_t longest = std::uint64_t{365} * 24 * 3600 * 1'000'000;
        const auto timeout = std::min(call.take<std::uint64_t>(), longest);
        boot.wait(call, service.registry.get(name), condition, std::chrono::microseconds{timeout});
    });
    interfaces.machine1.property<std::string>(
        "BootPhase", [&](std::string_view path) { return boot.progress_of(machine_at(service, path)).phase; });
    interfaces.machine1.property<std::uint32_t>(
        "BootProgress", [&](std::string_view path) { return boot.progress_of(machine_at(service, path)).percent; });
    interfaces.machine1.property<std::string>(
        "StatusText", [&](std::string_view path) { return boot.progress_of(machine_at(service, path)).status; });
}

} // namespace machinist
