// SPDX-License-Identifier: LGPL-2.1-or-later
#include "varlink_client.hpp"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

namespace machinist::testing {

VarlinkClient::VarlinkClient(const std::filesystem::path& socket, Until until) : until_(std::move(until)) {
    socket_ = UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
    const void* any = &address;
    if (::connect(socket_.get(), static_cast<const sockaddr*>(any), sizeof address) < 0)
        socket_.reset();
}

void VarlinkClient::send(const std::string& bytes) {
    std::size_t sent = 0;
    (void)until_([&] {
        const ssize_t count =
            ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count > 0)
            sent += static_cast<std::size_t>(count);
        return sent == bytes.size() || (count < 0 && errno != EAGAIN);
    });
}

void VarlinkClient::send(const nlohmann::json& message) {
    send(message.dump() + '\0');
}

bool VarlinkClient::take() {
    std::string buffer(65536, '\0');
    iovec part{buffer.data(), buffer.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t count = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
        ended_ = true;
    if (count <= 0)
        return false;
    incoming_.append(buffer, 0, static_cast<std::size_t>(count));
    if (const cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr && header->cmsg_type == SCM_RIGHTS) {
        int number = -1;
        std::memcpy(&number, CMSG_DATA(header), sizeof number);
        descriptors.emplace_back(number);
    }
    return true;
}

nlohmann::json VarlinkClient::receive() {
    (void)until_([&] { return incoming_.contains('\0') || (!take() && ended_); });
    const auto ending = incoming_.find('\0');
    if (ending == std::string::npos)
        return nullptr;
    auto message = nlohmann::json::parse(incoming_.substr(0, ending), nullptr, false);
    incoming_.erase(0, ending + 1);
    return message;
}

bool VarlinkClient::is_ended() {
    return until_([&] { return !take() && ended_; });
}

nlohmann::json VarlinkClient::call(const std::string& method, const nlohmann::json& parameters) {
    send(nlohmann::json{{"method", method}, {"parameters", parameters}});
    return receive();
}

std::vector<nlohmann::json> VarlinkClient::call_more(const std::string& method, const nlohmann::json& parameters) {
    send(nlohmann::json{{"method", method}, {"parameters", parameters}, {"more", true}});
    std::vector<nlohmann::json> answers;
    do
        answers.push_back(receive());
    while (answers.back().is_object() && answers.back().value("continues", false));
    return answers;
}

} // namespace machinist::testing
