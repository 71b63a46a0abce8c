// SPDX-License-Identifier: LGPL-2.1-or-later
// Errands in a machine: one function each, one table.
#pragma once

#include "enter/leader_view.hpp"
#include "enter/order.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace machinist::enter {

struct ErrandResult {
    std::string text = {};
    std::vector<UniqueFd> descriptors = {};
};

// All run in a process that may stay in what it joins. They throw Failure.
ErrandResult open_machine_pty(const Order& order, const LeaderView& leader);
ErrandResult start_on_pty(const Order& order, const LeaderView& leader);
ErrandResult connect_to_bus(const Order& order, const LeaderView& leader);
ErrandResult open_root(const Order& order, const LeaderView& leader);
ErrandResult copy_into_machine(const Order& order, const LeaderView& leader);
ErrandResult copy_from_machine(const Order& order, const LeaderView& leader);
ErrandResult bind_into_machine(const Order& order, const LeaderView& leader);
ErrandResult unbind_in_machine(const Order& order, const LeaderView& leader);
ErrandResult read_first_file(const Order& order, const LeaderView& leader);
ErrandResult list_addresses(const Order& order, const LeaderView& leader);
ErrandResult make_device(const Order& order, const LeaderView& leader);
ErrandResult remove_device(const Order& order, const LeaderView& leader);

// Does the one of the order, and reports over the order's socket. The exit status.
int do_errand(const Order& order);

// Whose the machine's root is on the host; 0 for a machine with the host's users.
struct MachineRoot {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};
MachineRoot root_of_machine(const Order& order, const LeaderView& leader);

// This process becomes the machine's root, if it has users of its own, and joins other namespaces (CLONE_NEW*) as well.
// All at once: once it has the machine's rights only, a leader that was cloned and has executed nothing is out of
// reach.
void become_machine_root(const Order& order, const LeaderView& leader, int other_namespaces = 0);

// Splits what check_path_in_machine() has let through. Throws Failure(invalid) for the root itself.
struct Place {
    std::string directory;
    std::string name;
};
Place place_of(const std::string& path);

// Something is mounted there, as opposed to a file or directory in it.
bool is_root_of_mount(BorrowedFd file);

} // namespace machinist::enter
