// SPDX-License-Identifier: LGPL-2.1-or-later
// Resolving who the machine is: name, host name, id, service name, and whether it is listed.
#include "spec/resolving.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace machinist::resolving {

namespace {

std::string hexadecimal(std::uint64_t number) {
    std::string digits(16, '0');
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, number >>= 4)
        *digit = "0123456789abcdef"[number & 15];
    return digits;
}

void name(Resolving& r) {
    const auto base = base_name_of(r.request, r.image.directory, r.host);
    if (!base) {
        r.problem("--machine",
                  "no name can be made of '" + escaped_for_people(r.image.directory.filename().native()) + "'",
                  "--machine=NAME");
        return;
    }
    r.spec.name = *base;
    if (!r.ephemeral() || r.request.machine)
        return;
    // Many may run at once: each gets a name of its own, cut where it would be too long with it.
    const std::string suffix = "-" + hexadecimal(r.chance.name_suffix);
    std::string text = base->text().substr(0, 64 - suffix.size());
    while (text.ends_with('.'))
        text.pop_back();
    r.spec.name = MachineName::parse(text + suffix).value_or(*base);
}

void machine_id(Resolving& r) {
    if (r.image.machine_id_state == MachineIdState::valid && r.image.machine_id) {
        r.spec.id = *r.image.machine_id;
        if (r.settings.machine_id && *r.settings.machine_id != r.spec.id)
            r.warn("--uuid", "--uuid: the image has the id " + r.spec.id.plain() + " already, which stays");
        return;
    }
    if (r.image.machine_id_state == MachineIdState::unreadable)
        r.warn("--directory", "the image's /etc/machine-id is no file that can be read, taken as unset");
    r.spec.id = r.settings.machine_id.value_or(r.chance.id);
}

} // namespace

void identity(Resolving& r) {
    name(r);
    machine_id(r);
    r.spec.hostname = r.settings.hostname.value_or(r.spec.name.text());
    if (const auto service = r.environment("SYSTEMD_NSPAWN_CONTAINER_SERVICE")) {
        const bool valid = service->size() <= 64 && std::ranges::all_of(*service, [](char byte) {
                               return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                                      (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.';
                           });
        if (valid)
            r.spec.service = *service;
        else
            r.problem("SYSTEMD_NSPAWN_CONTAINER_SERVICE", "environment variable SYSTEMD_NSPAWN_CONTAINER_SERVICE: '" +
                                                              escaped_for_people(*service) + "' is no word");
    }
}

void registration(Resolving& r) {
    const SharedNamespaces& shared = r.spec.shared;
    const bool shares = shared.ipc || shared.pid || shared.uts;
    const Registration wanted = r.settings.registration.value_or(Registration::automatic);
    r.spec.registered = wanted != Registration::no && !shares;
    r.spec.registration_may_fail = wanted != Registration::yes;
    r.spec.keep_unit = r.settings.keep_unit.value_or(false);
    const auto properties = r.settings.unit_properties.value_or(std::vector<std::string>{});
    if (r.spec.keep_unit && (r.settings.slice || !properties.empty()))
        r.warn("--keep-unit", "--keep-unit: --slice and --property are for a scope, and none is made");
    if (!r.spec.keep_unit) {
        r.spec.slice = r.settings.slice.value_or(r.spec.slice);
        r.spec.unit_properties = r.settings.bundle.value_or(BundleSettings{}).unit_properties;
        r.spec.unit_properties.insert(r.spec.unit_properties.end(), properties.begin(), properties.end());
    }
    r.spec.quiet = r.request.quiet || r.spec.console == ConsoleMode::pipe;
}

} // namespace machinist::resolving
