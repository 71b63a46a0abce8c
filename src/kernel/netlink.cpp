// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/netlink.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"

#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#ifndef NLM_F_ACK_TLVS
#define NLM_F_ACK_TLVS 0x200
#endif

namespace machinist {

namespace {

constexpr std::size_t receive_size = 32768; // what the kernel puts into one answer at most

// Behind an acknowledgement lies the request's header, or where asked for all of it, and then the attributes.
NetlinkAnswer answer_in(const nlmsghdr& header, std::string_view payload) {
    NetlinkAnswer answer;
    nlmsgerr error{};
    if (payload.size() < sizeof error)
        return {EBADMSG, {}};
    std::memcpy(&error, payload.data(), sizeof error);
    answer.error_number = -error.error;
    if ((header.nlmsg_flags & NLM_F_ACK_TLVS) == 0)
        return answer;
    const bool capped = (header.nlmsg_flags & NLM_F_CAPPED) != 0;
    const std::size_t request = capped ? sizeof error.msg : NLMSG_ALIGN(error.msg.nlmsg_len);
    const std::size_t before = sizeof error - sizeof error.msg + request;
    if (before < payload.size())
        for (const NetlinkAttribute& attribute : netlink_attributes(payload.substr(before)))
            if (attribute.type == NLMSGERR_ATTR_MSG)
                answer.remark = attribute.text();
    return answer;
}

} // namespace

NetlinkRequest::NetlinkRequest(std::uint16_t type, std::uint16_t flags) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    append(&header, sizeof header);
}

void NetlinkRequest::append(const void* bytes, std::size_t length) {
    bytes_.append(static_cast<const char*>(bytes), length);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
}

std::size_t NetlinkRequest::begin_attribute(std::uint16_t attribute, std::size_t length) {
    const std::size_t place = bytes_.size();
    const nlattr header{.nla_len = static_cast<std::uint16_t>(NLA_HDRLEN + length), .nla_type = attribute};
    append(&header, sizeof header);
    return place;
}

void NetlinkRequest::end_nest(std::size_t place) {
    const auto length = static_cast<std::uint16_t>(bytes_.size() - place);
    std::memcpy(bytes_.data() + place, &length, sizeof length);
}

NetlinkRequest& NetlinkRequest::add(std::uint16_t attribute, std::span<const std::uint8_t> bytes) {
    begin_attribute(attribute, bytes.size());
    append(bytes.data(), bytes.size());
    return *this;
}

NetlinkRequest& NetlinkRequest::add_text(std::uint16_t attribute, std::string_view text) {
    begin_attribute(attribute, text.size() + 1);
    append(std::string{text}.c_str(), text.size() + 1);
    return *this;
}

std::string NetlinkAttribute::text() const {
    return std::string{bytes.substr(0, bytes.find('\0'))};
}

std::vector<NetlinkAttribute> netlink_attributes(std::string_view bytes) {
    std::vector<NetlinkAttribute> attributes;
    nlattr header{};
    while (bytes.size() >= sizeof header) {
        std::memcpy(&header, bytes.data(), sizeof header);
        if (header.nla_len < sizeof header || header.nla_len > bytes.size())
            break;
        attributes.push_back({static_cast<std::uint16_t>(header.nla_type & NLA_TYPE_MASK),
                              bytes.substr(NLA_HDRLEN, header.nla_len - NLA_HDRLEN)});
        bytes.remove_prefix(std::min<std::size_t>(NLA_ALIGN(header.nla_len), bytes.size()));
    }
    return attributes;
}

NetlinkSocket::NetlinkSocket(BorrowedFd network, int protocol)
    : NetlinkSocket([&]() -> NetlinkSocket {
          const UniqueFd ours{::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)};
          if (!ours || ::setns(network.get(), CLONE_NEWNET) < 0)
              throw system_failure("enter the machine's network");
          const ScopeExit back{[&] {
              if (::setns(ours.get(), CLONE_NEWNET) < 0)
                  std::terminate(); // going on would act on the machine's network as if it were the host's
          }};
          return NetlinkSocket{protocol};
      }()) {}

NetlinkSocket::NetlinkSocket(int protocol)
    : socket_{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)}, buffer_(receive_size) {
    if (!socket_)
        throw system_failure("speak with the kernel about the network");
    // Remarks, and without the whole request in each refusal: older kernels know neither.
    const int on = 1;
    (void)::setsockopt(socket_.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    (void)::setsockopt(socket_.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
}

void NetlinkSocket::send(std::span<NetlinkRequest> requests) {
    std::string bytes;
    for (NetlinkRequest& request : requests) {
        nlmsghdr header{};
        std::memcpy(&header, request.bytes_.data(), sizeof header);
        header.nlmsg_len = static_cast<std::uint32_t>(request.bytes_.size());
        header.nlmsg_seq = ++sequence_;
        std::memcpy(request.bytes_.data(), &header, sizeof header);
        bytes += request.bytes_;
    }
    const sockaddr_nl kernel{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
    if (::sendto(socket_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&kernel),
                 sizeof kernel) < 0)
        throw system_failure("ask the kernel about the network");
}

std::string_view NetlinkSocket::receive() {
    while (true) {
        sockaddr_nl sender{};
        socklen_t length = sizeof sender;
        const ssize_t count =
            ::recvfrom(socket_.get(), buffer_.data(), buffer_.size(), 0, reinterpret_cast<sockaddr*>(&sender), &length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            throw system_failure("read what the kernel says about the network");
        if (sender.nl_pid == 0)
            return {buffer_.data(), static_cast<std::size_t>(count)};
    }
}

namespace {

// Takes the next message off; false at the end of what is whole.
bool take_message(std::string_view& bytes, nlmsghdr& header, std::string_view& payload) {
    if (bytes.size() < sizeof header)
        return false;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > bytes.size())
        return false;
    payload = bytes.substr(NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN);
    bytes.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), bytes.size()));
    return true;
}

} // namespace

std::vector<NetlinkAnswer> NetlinkSocket::try_all(std::span<NetlinkRequest> requests) {
    for (NetlinkRequest& request : requests) {
        nlmsghdr header{};
        std::memcpy(&header, request.bytes_.data(), sizeof header);
        header.nlmsg_flags |= NLM_F_ACK;
        std::memcpy(request.bytes_.data(), &header, sizeof header);
    }
    const std::uint32_t first = sequence_ + 1;
    send(requests);
    std::vector<NetlinkAnswer> answers(requests.size());
    for (std::size_t answered = 0; answered < answers.size();) {
        std::string_view bytes = receive();
        nlmsghdr header{};
        std::string_view payload;
        while (take_message(bytes, header, payload)) {
            const std::uint32_t which = header.nlmsg_seq - first;
            if (header.nlmsg_type != NLMSG_ERROR || which >= answers.size())
                continue;
            answers[which] = answer_in(header, payload);
            ++answered;
        }
    }
    return answers;
}

NetlinkAnswer NetlinkSocket::try_one(NetlinkRequest request) {
    return try_all({&request, 1}).front();
}

void NetlinkSocket::carry_out(NetlinkRequest request, const std::string& doing) {
    if (const NetlinkAnswer answer = try_one(std::move(request)); !answer)
        throw netlink_failure(doing, answer);
}

NetlinkAnswer NetlinkSocket::look(NetlinkRequest request, const std::function<bool(const NetlinkMessage&)>& visit) {
    send({&request, 1});
    nlmsghdr asked{};
    std::memcpy(&asked, request.bytes_.data(), sizeof asked);
    const bool is_list = (asked.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    while (true) {
        std::string_view bytes = receive();
        nlmsghdr header{};
        std::string_view payload;
        while (take_message(bytes, header, payload)) {
            if (header.nlmsg_seq != sequence_)
                continue; // of a list that nobody read to its end
            if (header.nlmsg_type == NLMSG_ERROR)
                return answer_in(header, payload);
            if (header.nlmsg_type == NLMSG_DONE)
                return {};
            if (!visit({header.nlmsg_type, payload}) || !is_list)
                return {};
        }
    }
}

Failure netlink_failure(const std::string& doing, const NetlinkAnswer& answer) {
    return system_failure(answer.remark.empty() ? doing : doing + " (" + answer.remark + ")", answer.error_number);
}

} // namespace machinist
