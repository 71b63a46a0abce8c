// SPDX-License-Identifier: LGPL-2.1-or-later
#include "network/undo_links.hpp"

#include "base/failure.hpp"
#include "kernel/links.hpp"
#include "network/moved_link.hpp"
#include "network/zone.hpp"

#include <algorithm>
#include <cerrno>

namespace machinist {

namespace {

void remove_link(NetlinkSocket& socket, const RecordedLink& link) {
    const NetlinkAnswer answer = socket.try_one(removal_request(link.index));
    // Not made, or gone with the machine's network.
    if (!answer && answer.error_number != ENODEV)
        throw netlink_failure("remove network link '" + link.name + "'", answer);
}

void undo_link(NetlinkSocket& host, const RecordedLink& link, BorrowedFd machine_network, Zones zones) {
    switch (link.kind) {
    case RecordedKind::zone:
        if (zones == Zones::close)
            close_zone(host, link.name, ZoneLock{});
        return;
    case RecordedKind::link: return remove_link(host, link);
    case RecordedKind::inside:
        if (machine_network) {
            NetlinkSocket inside{machine_network, NETLINK_ROUTE};
            remove_link(inside, link);
        }
        return;
    case RecordedKind::moved: return move_link_back(host, machine_network, link);
    }
}

} // namespace

std::vector<std::string> undo_links(const std::vector<RecordedLink>& links, BorrowedFd machine_network, Zones zones) {
    std::vector<std::string> failures;
    if (links.empty())
        return failures;
    NetlinkSocket host{NETLINK_ROUTE};
    std::for_each(links.rbegin(), links.rend(), [&](const RecordedLink& link) {
        try {
            undo_link(host, link, machine_network, zones);
        } catch (const Failure& failure) {
            failures.emplace_back(failure.what());
        }
    });
    return failures;
}

} // namespace machinist
