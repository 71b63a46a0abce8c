// SPDX-License-Identifier: LGPL-2.1-or-later
// netlink(7): requests with their attributes, what the kernel answers, and lists that it gives.
#pragma once

#include "base/unique_fd.hpp"

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <functional>
#include <linux/netlink.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace machinist {

class NetlinkRequest {
public:
    // head: the structure that messages of this type begin with.
    template <typename Head>
    NetlinkRequest(std::uint16_t type, std::uint16_t flags, const Head& head) : NetlinkRequest(type, flags) {
        static_assert(std::is_trivially_copyable_v<Head>);
        append(&head, sizeof head);
    }

    NetlinkRequest& add(std::uint16_t attribute, std::span<const std::uint8_t> bytes);
    NetlinkRequest& add_text(std::uint16_t attribute, std::string_view text);
    template <std::integral Number>
    NetlinkRequest& add_number(std::uint16_t attribute, Number number) {
        begin_attribute(attribute, sizeof number);
        append(&number, sizeof number);
        return *this;
    }
    // What body adds lies inside of the attribute, behind head if there is one.
    template <std::invocable Body>
    NetlinkRequest& nest(std::uint16_t attribute, Body&& body) {
        const std::size_t place = begin_attribute(attribute, 0);
        std::forward<Body>(body)();
        end_nest(place);
        return *this;
    }
    template <typename Head, std::invocable Body>
    NetlinkRequest& nest(std::uint16_t attribute, const Head& head, Body&& body) {
        return nest(attribute, [&] {
            append(&head, sizeof head);
            std::forward<Body>(body)();
        });
    }

private:
    friend class NetlinkSocket;
    NetlinkRequest(std::uint16_t type, std::uint16_t flags);
    // Where it begins.
    std::size_t begin_attribute(std::uint16_t attribute, std::size_t length);
    void append(const void* bytes, std::size_t length);
    void end_nest(std::size_t place);
    std::string bytes_;
};

struct NetlinkMessage {
    std::uint16_t type = 0;
    std::string_view payload;

    // Nothing if the message is too short for it.
    template <typename Head>
    [[nodiscard]] std::optional<Head> head() const {
        Head head{};
        if (payload.size() < sizeof head)
            return std::nullopt;
        std::memcpy(&head, payload.data(), sizeof head);
        return head;
    }
    // The bytes of the attributes behind the head.
    template <typename Head>
    [[nodiscard]] std::string_view attributes() const {
        return payload.size() < NLMSG_ALIGN(sizeof(Head)) ? "" : payload.substr(NLMSG_ALIGN(sizeof(Head)));
    }
};

struct NetlinkAttribute {
    std::uint16_t type = 0;
    std::string_view bytes;

    // Without the zero at its end.
    [[nodiscard]] std::string text() const;
    template <std::integral Number>
    [[nodiscard]] Number number() const {
        Number number{};
        std::memcpy(&number, bytes.data(), std::min(bytes.size(), sizeof number));
        return number;
    }
};
// In their order; what is cut off ends the list. Attributes that hold others are taken apart by the same function.
std::vector<NetlinkAttribute> netlink_attributes(std::string_view bytes);

// What the kernel said about one request.
struct NetlinkAnswer {
    int error_number = 0;
    std::string remark; // in its own words; often none
    explicit operator bool() const {
        return error_number == 0;
    }
};

class NetlinkSocket {
public:
    // NETLINK_ROUTE and the like, in the network namespace that the process is in now.
    explicit NetlinkSocket(int protocol);
    // In another one, where this process is only as long as that takes.
    NetlinkSocket(BorrowedFd network, int protocol);

    // One after the other, in one go: the kernel carries out the rest, too, when one of them is refused.
    std::vector<NetlinkAnswer> try_all(std::span<NetlinkRequest> requests);
    NetlinkAnswer try_one(NetlinkRequest request);
    // Failure "DOING: ..." if it is refused.
    void carry_out(NetlinkRequest request, const std::string& doing);

    // Every message of a list or of one object, as long as visit says true. The answer tells whether there is such a
    // thing. What changes while it is listed may be in it twice or not at all.
    NetlinkAnswer look(NetlinkRequest request, const std::function<bool(const NetlinkMessage&)>& visit);

private:
    void send(std::span<NetlinkRequest> requests);
    // Messages up to the next one that was asked for last.
    std::string_view receive();

    UniqueFd socket_;
    std::uint32_t sequence_ = 0;
    std::vector<char> buffer_;
};

// "DOING (what the kernel remarked): Operation not permitted"
[[nodiscard]] class Failure netlink_failure(const std::string& doing, const NetlinkAnswer& answer);

} // namespace machinist
