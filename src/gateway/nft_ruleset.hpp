// SPDX-License-Identifier: LGPL-2.1-or-later
// The one nftables table of ours, whole: what zones may do, where ports lead, as the text that nft(8) reads. Replacing
// it is one transaction, so no packet meets half of it.
#pragma once

#include "base/ip_address.hpp"
#include "spec/network_spec.hpp"

#include <optional>
#include <string>
#include <vector>

namespace machinist {

// SYSTEMD_FIREWALL_UTIL_NFT_TABLE_NAME and SYSTEMD_FIREWALL_UTIL_DNAT_MAP_NAME give others.
struct NftNames {
    std::string table = "machinist";
    std::string ports = "ports"; // of IPv4; that of IPv6 ends in "6"
};
// From the calling process's environment; values that nft would not read as a name count as not given.
NftNames nft_names_of_environment();

struct ForwardingZone {
    std::string bridge;
    IpPrefix v4;
    IpPrefix v6;
};

struct ForwardedMachine {
    std::string link; // the host's interface that leads to it; "" if not known
    std::vector<PortForward> ports;
    std::optional<IpAddress> v4;
    std::optional<IpAddress> v6;
};

struct ForwardingState {
    std::vector<ForwardingZone> zones;
    std::vector<ForwardedMachine> machines;

    // Interfaces that packets of the host's own 127.0.0.1 leave by; so they need route_localnet.
    [[nodiscard]] std::vector<std::string> loopback_links() const;
};

// Takes away what there was and, unless there is nothing to do, makes it anew.
std::string nft_ruleset(const ForwardingState& state, const NftNames& names = {});

} // namespace machinist
