// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/address_families.hpp"

#include <array>

namespace machinist {

namespace {

// The index is the number, which is part of the kernel's interface; gaps were families that are gone.
constexpr std::array<std::string_view, 46> names{
    "",       "UNIX",      "INET",    "AX25",    "IPX",      "APPLETALK", "NETROM",     "BRIDGE", "ATMPVC", "X25",
    "INET6",  "ROSE",      "DECnet",  "NETBEUI", "SECURITY", "KEY",       "NETLINK",    "PACKET", "ASH",    "ECONET",
    "ATMSVC", "RDS",       "SNA",     "IRDA",    "PPPOX",    "WANPIPE",   "LLC",        "IB",     "MPLS",   "CAN",
    "TIPC",   "BLUETOOTH", "IUCV",    "RXRPC",   "ISDN",     "PHONET",    "IEEE802154", "CAIF",   "ALG",    "NFC",
    "VSOCK",  "KCM",       "QIPCRTR", "SMC",     "XDP",      "MCTP"};

} // namespace

std::optional<int> address_family_named(std::string_view text) {
    if (!text.starts_with("AF_"))
        return std::nullopt;
    text.remove_prefix(3);
    if (text == "LOCAL")
        text = "UNIX";
    for (std::size_t family = 1; family < names.size(); ++family)
        if (names[family] == text)
            return static_cast<int>(family);
    return std::nullopt;
}

std::string address_family_name(int family) {
    if (family < 1 || static_cast<std::size_t>(family) >= names.size())
        return std::to_string(family);
    return "AF_" + std::string{names[static_cast<std::size_t>(family)]};
}

} // namespace machinist
