// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/machine_instance.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/unix_connection.hpp"

#include <cerrno>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/time.h>

namespace machinist {

namespace {

constexpr const char* interface = "io.systemd.MachineInstance.";
constexpr timeval patience{.tv_sec = 30, .tv_usec = 0};
constexpr std::size_t longest_answer = 65536;

// Up to the zero byte that ends it.
std::string answer_to(BorrowedFd socket, const std::string& message) {
    if (::send(socket.get(), message.c_str(), message.size() + 1, MSG_NOSIGNAL) !=
        static_cast<ssize_t>(message.size() + 1))
        throw system_failure("send");
    std::string answer;
    while (!answer.ends_with('\0')) {
        char buffer[4096];
        const ssize_t size = ::recv(socket.get(), buffer, sizeof buffer, 0);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            throw system_failure("receive an answer");
        if (size == 0 || answer.size() > longest_answer)
            throw Failure{FailureKind::system, "it does not answer"};
        answer.append(buffer, static_cast<std::size_t>(size));
    }
    answer.pop_back();
    return answer;
}

} // namespace

bool has_instance(const Machine& machine) {
    return machine.record.machine_class == "vm" && !machine.record.control_address.empty();
}

void ask_instance(const Machine& machine, const char* method) {
    doing(std::string{method} + " of virtual machine '" + machine.name() + "'", [&] {
        if (!has_instance(machine))
            throw Failure{FailureKind::not_supported, "whoever runs it has not told how to ask"};
        std::string path = machine.record.control_address;
        if (path.starts_with("unix:"))
            path.erase(0, std::string_view{"unix:"}.size());
        const UniqueFd socket = connect_to_path(path, patience);
        const std::string text = answer_to(socket, nlohmann::json{{"method", std::string{interface} + method}}.dump());
        const auto answer = nlohmann::json::parse(text, nullptr, false);
        if (!answer.is_object())
            throw Failure{FailureKind::system, "it answers nonsense"};
        if (const auto error = answer.find("error"); error != answer.end())
            throw Failure{FailureKind::system,
                          "it answers " + escaped_for_people(error->is_string() ? error->get<std::string>() : "?")};
    });
}

} // namespace machinist
