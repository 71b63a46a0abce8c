// SPDX-License-Identifier: LGPL-2.1-or-later
// The verbs that look at images or change them.
#pragma once

#include "cli/control/invocation.hpp"
#include "registry/machine_store.hpp"

namespace machinist {

int list_images(const Invocation& call, const MachineStore& machines);
int show_image_status(const Invocation& call, const MachineStore& machines);
int show_images(const Invocation& call, const MachineStore& machines);
int clone_an_image(const Invocation& call, const MachineStore& machines);
int rename_an_image(const Invocation& call, const MachineStore& machines);
int remove_images(const Invocation& call, const MachineStore& machines);
int mark_read_only(const Invocation& call, const MachineStore& machines);
int set_limit(const Invocation& call, const MachineStore& machines);
int clean_pool(const Invocation& call, const MachineStore& machines);
int start_machines(const Invocation& call, const MachineStore& machines);
int handle_snapshots(const Invocation& call, const MachineStore& machines);
int show_differences(const Invocation& call, const MachineStore& machines);
int commit_machine(const Invocation& call, const MachineStore& machines);
int build_from_recipe(const Invocation& call, const MachineStore& machines);
int check_images(const Invocation& call, const MachineStore& machines);
int edit_settings(const Invocation& call, const MachineStore& machines);
int print_settings(const Invocation& call, const MachineStore& machines);
int verify_settings(const Invocation& call, const MachineStore& machines);
int show_settings(const Invocation& call); // show --settings

} // namespace machinist
