// SPDX-License-Identifier: LGPL-2.1-or-later
#include "network/moved_link.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/links.hpp"
#include "kernel/wireless.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace machinist {

namespace {

// The kernel takes a network down some time after its last process has gone.
constexpr std::chrono::seconds longest_wait{5};
constexpr std::chrono::milliseconds wait_step{20};

// Until udev knows a link it may still rename it.
void refuse_while_udev_works(const LinkFacts& link) {
    if (::access("/run/udev/control", F_OK) < 0)
        return;
    const auto known = read_file_if_exists("/run/udev/data/n" + std::to_string(link.index));
    if (!known)
        throw Failure{FailureKind::busy, "network link '" + link.name + "' is not set up by udev yet"}.try_instead(
            "again after 'udevadm settle'");
    if (known->find("E:ID_RENAMING=1\n") != std::string::npos)
        throw Failure{FailureKind::busy, "network link '" + link.name + "' is being renamed by udev"}.try_instead(
            "again after 'udevadm settle'");
}

// A link that has the wanted name as its second one cannot be renamed to it: it is found by it as it is.
std::string name_in_machine(const LinkFacts& link, const PlannedLink& planned) {
    const bool is_its_own = std::ranges::find(link.alternatives, planned.machine_name) != link.alternatives.end() ||
                            planned.machine_alternative == planned.host_name;
    return is_its_own ? link.name : planned.machine_name;
}

void rename_if_needed(NetlinkSocket& socket, const LinkFacts& link, const std::string& name) {
    if (link.name != name)
        socket.carry_out(rename_request(link.index, name), "name network link '" + link.name + "' '" + name + "'");
}

// Named once it is there, where nobody else can have the name.
void move_device(NetlinkSocket& there, BorrowedFd network, Wireless& wireless, std::uint32_t device, int index,
                 const std::string& name) {
    wireless.move(device, network);
    if (const auto arrived = find_link(there, index))
        rename_if_needed(there, *arrived, name);
}

// The kernel takes a link down, and its addresses away, when it moves.
void bring_up_again(NetlinkSocket& inside, const std::string& name, const std::vector<IpPrefix>& addresses) {
    const int index = link_named(inside, name).index;
    inside.carry_out(up_request(index), "bring network link '" + name + "' up");
    for (const IpPrefix& address : addresses)
        inside.carry_out(address_request(index, address), "give network link '" + name + "' " + address.text());
}

NetlinkAnswer move_as_it_was(NetlinkSocket& inside, const LinkFacts& link, const RecordedLink& recorded,
                             BorrowedFd host) {
    NetlinkAnswer answer;
    // Somebody may have its index, or its name, by now; better than to lose it is to have it under another one.
    for (const auto& [name, index] :
         {std::pair{recorded.name, recorded.old_index}, {recorded.name, 0}, {std::string{"dev%d"}, 0}}) {
        answer = inside.try_one(move_request(link.index, host, name, index));
        if (answer || (answer.error_number != EEXIST && answer.error_number != EBUSY))
            break;
    }
    return answer;
}

void name_what_the_kernel_brought_back(NetlinkSocket& host, const RecordedLink& recorded) {
    if (recorded.moved == MovedKind::virtual_link)
        return; // gone with its network
    for (std::chrono::milliseconds waited{}; waited <= longest_wait; waited += wait_step) {
        auto link = find_link(host, recorded.index);
        if (!link)
            link = find_link(host, recorded.old_index);
        if (link)
            return rename_if_needed(host, *link, recorded.name);
        std::this_thread::sleep_for(wait_step);
    }
    throw Failure{FailureKind::timed_out, "wait for the kernel to bring back network link '" + recorded.name + "'"};
}

} // namespace

void move_link_in(NetlinkSocket& host, const PlannedLink& planned, BorrowedFd machine_network, LinkRecord& record) {
    const LinkFacts link = link_named(host, planned.host_name);
    refuse_while_udev_works(link);
    RecordedLink recorded{.kind = RecordedKind::moved,
                          .index = draw_link_index(),
                          .name = link.name,
                          .old_index = link.index,
                          .moved = link.kind.empty() ? MovedKind::device : MovedKind::virtual_link,
                          .machine_name = name_in_machine(link, planned)};
    Wireless wireless{NetlinkSocket{NETLINK_GENERIC}};
    const auto device = wireless.device_of(link.index);
    std::vector<IpPrefix> addresses;
    if (planned.as_it_was)
        addresses = lasting_addresses(host, link.index);
    if (device) {
        recorded.index = link.index;
        recorded.moved = MovedKind::phy;
    }
    record.append(recorded);
    if (device) {
        NetlinkSocket inside{machine_network, NETLINK_ROUTE};
        move_device(inside, machine_network, wireless, *device, link.index, recorded.machine_name);
        return planned.as_it_was ? bring_up_again(inside, recorded.machine_name, addresses) : void();
    }
    const std::string new_name = recorded.machine_name == link.name ? "" : recorded.machine_name;
    host.carry_out(move_request(link.index, machine_network, new_name, recorded.index),
                   "move network link '" + link.name + "' into the machine");
    if (planned.as_it_was) {
        NetlinkSocket inside{machine_network, NETLINK_ROUTE};
        bring_up_again(inside, recorded.machine_name, addresses);
    }
}

void move_link_back(NetlinkSocket& host, BorrowedFd machine_network, const RecordedLink& recorded) {
    const auto here = find_link(host, recorded.old_index);
    if (here && here->name == recorded.name)
        return; // it has not come as far as being moved
    if (!machine_network)
        return name_what_the_kernel_brought_back(host, recorded);
    NetlinkSocket inside{machine_network, NETLINK_ROUTE};
    auto link = find_link(inside, recorded.index);
    // Before Linux 5.13 the index is not for us to choose.
    if (!link)
        link = find_link(inside, recorded.machine_name);
    if (!link)
        throw Failure{FailureKind::not_found,
                      "bring back network link '" + recorded.name + "': the machine has it no more"};
    if (recorded.moved == MovedKind::phy) {
        Wireless wireless{NetlinkSocket{machine_network, NETLINK_GENERIC}};
        if (const auto device = wireless.device_of(link->index))
            return move_device(host, open_path("/proc/self/ns/net", O_RDONLY), wireless, *device, link->index,
                               recorded.name);
    }
    const UniqueFd our_network = open_path("/proc/self/ns/net", O_RDONLY);
    if (const NetlinkAnswer answer = move_as_it_was(inside, *link, recorded, our_network); !answer)
        throw netlink_failure("bring back network link '" + recorded.name + "'", answer);
}

} // namespace machinist
