// SPDX-License-Identifier: LGPL-2.1-or-later
#include "network/links.hpp"

#include "base/failure.hpp"
#include "kernel/links.hpp"
#include "network/main_link.hpp"
#include "network/moved_link.hpp"
#include "network/zone.hpp"
#include "spec/link_names.hpp"

#include <cerrno>
#include <chrono>
#include <optional>
#include <thread>

namespace machinist {

namespace {

// An end of a machine that has just ended is on its way out.
constexpr std::chrono::milliseconds longest_wait_for_a_name{200};
constexpr std::chrono::milliseconds wait_step{10};
constexpr unsigned most_names = 8;
constexpr int most_draws = 8;

class Maker {
public:
    Maker(const NetworkPlan& plan, BorrowedFd machine_network, LinkRecord& record)
        : plan_(plan), machine_network_(machine_network), record_(record), host_(NETLINK_ROUTE) {}

    MadeLinks make(const NetworkSpec& network) {
        for (const PlannedLink& link : plan_.links)
            doing(describe(link), [&] { make(link); });
        finish_main_link(network, plan_, machine_network_);
        return std::move(made_);
    }

private:
    void make(const PlannedLink& link) {
        switch (link.kind) {
        case LinkKind::moved: return move_link_in(host_, link, machine_network_, record_);
        case LinkKind::veth: return make_veth(link);
        case LinkKind::macvlan:
        case LinkKind::ipvlan: return make_stacked(link);
        }
    }

    void make_veth(const PlannedLink& link) {
        const bool in_zone = !link.bridge.empty() && link.bridge == plan_.zone_bridge;
        std::optional<ZoneLock> lock;
        int bridge = 0;
        if (in_zone) {
            record_.append({.kind = RecordedKind::zone, .name = link.bridge});
            lock.emplace();
            bridge = open_zone(host_, link.bridge, plan_.zone_mac, *lock);
        } else if (!link.bridge.empty()) {
            bridge = link_named(host_, link.bridge).index;
        }
        const NewLink end = make_ends(link, bridge);
        if (!link.host_alternative.empty())
            // Somebody else may have it.
            (void)host_.try_one(alternative_name_request(end.index, link.host_alternative));
        if (link.has_our_name)
            made_.host_indexes.push_back(bridge != 0 ? bridge : end.index);
    }

    NewLink make_ends(const PlannedLink& link, int bridge) {
        NewLink here;
        here.mac = link.host_mac;
        here.master = bridge;
        here.is_up = link.has_our_name;
        NewLink there;
        there.name = link.machine_name;
        there.mac = link.machine_mac;
        const std::string whole = link.host_alternative.empty() ? link.host_name : link.host_alternative;
        std::chrono::milliseconds waited{};
        int draws = 0;
        for (unsigned names = 0;;) {
            here.name = names == 0 ? link.host_name : fitting_link_name(whole, names);
            here.index = draw_link_index();
            record_.append({.kind = RecordedKind::link, .index = here.index, .name = here.name});
            const NetlinkAnswer answer = host_.try_one(veth_request(here, there, machine_network_));
            if (answer)
                return here;
            if (answer.error_number != EEXIST)
                throw refused(link, answer);
            if (!find_link(host_, here.name)) {
                if (++draws >= most_draws) // neither the name nor one of so many indexes: what is taken is inside
                    throw refused(link, answer);
                continue;
            }
            if (waited < longest_wait_for_a_name) {
                std::this_thread::sleep_for(wait_step);
                waited += wait_step;
            } else if (!link.has_our_name || ++names >= most_names) {
                throw Failure{FailureKind::already_exists, "a network link '" + here.name + "' exists already"}
                    .try_instead("another name for it");
            }
        }
    }

    void make_stacked(const PlannedLink& planned) {
        NewLink link;
        link.name = planned.machine_name;
        link.mac = planned.machine_mac;
        const int below = link_named(host_, planned.host_name).index;
        for (int draws = 0;; ++draws) {
            link.index = draw_link_index();
            record_.append({.kind = RecordedKind::inside, .index = link.index, .name = link.name});
            const NetlinkAnswer answer =
                host_.try_one(planned.kind == LinkKind::macvlan ? macvlan_request(link, below, machine_network_)
                                                                : ipvlan_request(link, below, machine_network_));
            if (answer)
                return;
            if (answer.error_number != EEXIST || draws >= most_draws)
                throw refused(planned, answer);
        }
    }

    static Failure refused(const PlannedLink& link, const NetlinkAnswer& answer) {
        const std::string kind{name_of(link_kind_names, link.kind)};
        if (answer.error_number == EOPNOTSUPP)
            return Failure{FailureKind::not_supported, "make a link of kind '" + kind + "': the kernel knows none"}
                .try_instead("'modprobe " + kind + "' on the host, if its kernel has the module");
        return netlink_failure("make a link of kind '" + kind + "'", answer);
    }

    const NetworkPlan& plan_;
    BorrowedFd machine_network_;
    LinkRecord& record_;
    NetlinkSocket host_;
    MadeLinks made_;
};

} // namespace

MadeLinks make_links(const NetworkSpec& network, const NetworkPlan& plan, BorrowedFd machine_network,
                     LinkRecord& record) {
    return Maker{plan, machine_network, record}.make(network);
}

} // namespace machinist
