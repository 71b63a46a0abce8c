// SPDX-License-Identifier: LGPL-2.1-or-later
// machinist-device: gives a running machine a device of the host, or takes one away.
#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "base/text.hpp"
#include "devices/device_change.hpp"
#include "registry/errand_program.hpp"
#include "spec/device_text.hpp"

#include <cstdio>
#include <string_view>

namespace machinist {

namespace {

void change(std::string_view what, std::string_view name, std::string_view text) {
    const auto device = parse_device(text);
    if (!device || (what != "add-device" && what != "remove-device"))
        throw Failure{FailureKind::invalid, "'" + escaped_for_people(text) + "' is no path below /dev"};
    Places places;
    places.supervisor_program = own_program("machinist-supervisor");
    places.enter_program = own_program("machinist-enter");
    const MachineStore machines{places};
    const Machine machine = machines.get(name);
    what == "add-device" ? add_device(machines, machine, *device) : remove_device(machines, machine, device->path);
}

// REPLY add-device|remove-device NAME PATH[:ACCESS]
int run(int count, char** words) {
    const UniqueFd reply = count == 5 ? take_reply_descriptor(words[1]) : UniqueFd{};
    if (!reply) {
        std::fputs("machinist-device is run by machinist; people use 'machinist device'\n", stderr);
        return 2;
    }
    return answer_errand(reply, [&] { change(words[2], words[3], words[4]); });
}

} // namespace

} // namespace machinist

int main(int count, char** words) {
    try {
        return machinist::run(count, words);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "machinist-device: %s\n", failure.what());
        return 1;
    }
}
