// SPDX-License-Identifier: LGPL-2.1-or-later
// machinist-unit: on a host of systemd's, gets a machine its scope and its entry in the list of machines, or takes that
// entry away. Its standard input is the launcher's connection to the bus. The launcher goes on meanwhile and reads from
// its output what came of it (scope/unit_report.hpp).
#include "base/failure.hpp"
#include "scope/machine_listing.hpp"
#include "scope/scope.hpp"
#include "scope/system_bus.hpp"
#include "scope/unit_order.hpp"
#include "scope/unit_report.hpp"

#include <cstdio>
#include <unistd.h>

namespace machinist {

namespace {

UnitReport carry_out(const UnitOrder& order) {
    UnitReport report;
    const auto bus = order.unregister ? SystemBus::open() : SystemBus::adopt(STDIN_FILENO);
    if (!bus)
        return report;
    report.has_bus = true;
    if (order.unregister) {
        unlist_machine(*bus, order.name);
        return report;
    }
    if (!order.scope.empty())
        start_scope(*bus, order);
    if (!order.register_machine)
        return report;
    try {
        list_machine(*bus, order);
        report.is_listed = true;
    } catch (const Failure& failure) {
        report.why_not_listed = failure;
    }
    return report;
}

} // namespace

} // namespace machinist

int main(int count, char** arguments) {
    using namespace machinist;
    UnitReport report;
    try {
        report = carry_out(parse_unit_order({arguments + 1, static_cast<std::size_t>(count > 0 ? count - 1 : 0)}));
    } catch (const Failure& failure) {
        report.failure = failure;
    } catch (const std::exception& broken) {
        report.failure = Failure{FailureKind::internal, broken.what()};
    }
    const std::string text = write_unit_report(report);
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0 ? 0 : 1;
}
