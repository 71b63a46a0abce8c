// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/addresses.hpp"

#include "base/failure.hpp"
#include "base/unique_fd.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <tuple>

namespace machinist {

namespace {

// More than that no table shows; a machine may have as many as it likes.
constexpr std::size_t most_addresses = 256;

struct Found {
    int family;
    int scope;
    int index;
    std::string text;
    auto operator<=>(const Found&) const = default;
};

UniqueFd ask_for_addresses() {
    UniqueFd socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
    struct {
        nlmsghdr header;
        ifaddrmsg message;
    } request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = RTM_GETADDR;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    if (!socket || ::send(socket.get(), &request, sizeof request, 0) < 0)
        throw system_failure("ask for the addresses");
    return socket;
}

void add_address(const nlmsghdr* header, std::vector<Found>& found) {
    const auto* message = reinterpret_cast<const ifaddrmsg*>(reinterpret_cast<const char*>(header) + NLMSG_HDRLEN);
    if ((message->ifa_family != AF_INET && message->ifa_family != AF_INET6) || message->ifa_scope == RT_SCOPE_HOST ||
        message->ifa_scope == RT_SCOPE_NOWHERE || (message->ifa_flags & IFA_F_DEPRECATED) != 0)
        return;
    const void* address = nullptr;
    auto left = static_cast<unsigned>(IFA_PAYLOAD(header));
    for (const rtattr* attribute = IFA_RTA(message); RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
        // The local end of a point-to-point link is the machine's; other links have only IFA_ADDRESS for IPv6.
        if (attribute->rta_type == IFA_LOCAL || (attribute->rta_type == IFA_ADDRESS && !address))
            address = RTA_DATA(attribute);
    char text[INET6_ADDRSTRLEN];
    if (!address || !::inet_ntop(message->ifa_family, address, text, sizeof text))
        return;
    std::string whole = text;
    if (message->ifa_family == AF_INET6 && message->ifa_scope == RT_SCOPE_LINK)
        whole += "%" + std::to_string(message->ifa_index);
    found.push_back({message->ifa_family, message->ifa_scope, static_cast<int>(message->ifa_index), std::move(whole)});
}

} // namespace

std::vector<std::string> read_addresses() {
    const UniqueFd socket = ask_for_addresses();
    std::vector<Found> found;
    alignas(nlmsghdr) char buffer[32768];
    for (bool more = true; more && found.size() < most_addresses;) {
        const ssize_t count = ::recv(socket.get(), buffer, sizeof buffer, 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            throw system_failure("read the addresses");
        auto left = static_cast<unsigned>(count);
        for (const nlmsghdr* header = reinterpret_cast<const nlmsghdr*>(buffer); NLMSG_OK(header, left);
             header = NLMSG_NEXT(header, left)) {
            if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
                more = false;
            else if (header->nlmsg_type == RTM_NEWADDR)
                add_address(header, found);
        }
    }
    std::ranges::sort(found);
    std::vector<std::string> texts;
    for (Found& address : found)
        texts.push_back(std::move(address.text));
    return texts;
}

} // namespace machinist
