// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus_names.hpp"

#include "base/failure.hpp"
#include "bus/log.hpp"
#include "daemon/object_paths.hpp"

namespace machinist {

namespace {

const std::string own_name = "io.machinist";
const std::string provided_name = "org.freedesktop.machine1";
// Comes and goes with the other: transfers and images are of one mind.
const std::string transfers_name = "org.freedesktop.import1";

std::string rule_for(const char* signal) {
    return std::string{"type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='"} +
           signal + "',arg0='" + provided_name + "'";
}

} // namespace

BusNames::BusNames(Service& service, std::function<void(bool is_provider)> on_change)
    : service_(service), on_change_(std::move(on_change)) {
    if (!service_.bus.take_name(own_name, false))
        throw Failure{FailureKind::busy, "another machinistd runs"};
    acquired_ = service_.bus.match(rule_for("NameAcquired"), [this](sd_bus_message*) { provide(true); });
    lost_ = service_.bus.match(rule_for("NameLost"), [this](sd_bus_message*) { provide(false); });
    service_.is_provider = service_.bus.take_name(provided_name, true);
    if (service_.is_provider)
        (void)service_.bus.take_name(transfers_name, true);
    else
        log_notice("another service has the name " + provided_name + "; only " + own_name + " is served until it goes");
}

void BusNames::provide(bool is_provider) {
    if (service_.is_provider == is_provider)
        return;
    service_.is_provider = is_provider;
    log_notice(is_provider ? "now serving " + provided_name + ", too"
                           : "the name " + provided_name + " was taken over");
    if (is_provider)
        (void)service_.bus.take_name(transfers_name, true);
    else
        service_.bus.release_name(transfers_name);
    on_change_(is_provider);
    (void)sd_bus_emit_properties_changed(service_.bus.raw(), manager_path, "io.machinist.Manager1", "Provider",
                                         static_cast<const char*>(nullptr));
}

void BusNames::release() {
    acquired_ = {};
    lost_ = {};
    service_.bus.release_name(transfers_name);
    service_.bus.release_name(provided_name);
    service_.bus.release_name(own_name);
}

} // namespace machinist
