// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/machine_instance.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/unix_connection.hpp"
#include "cli/control/varlink_client.hpp"

#include <nlohmann/json.hpp>
#include <sys/time.h>

namespace machinist {

namespace {

constexpr const char* interface = "io.systemd.MachineInstance.";
constexpr timeval patience{.tv_sec = 30, .tv_usec = 0};

} // namespace

bool has_instance(const Machine& machine) {
    return machine.record.machine_class == "vm" && !machine.record.control_address.empty();
}

void ask_instance(const Machine& machine, const char* method, const std::string& parameters, BorrowedFd descriptor) {
    doing(std::string{method} + " of virtual machine '" + machine.name() + "'", [&] {
        if (!has_instance(machine))
            throw Failure{FailureKind::not_supported, "whoever runs it has not told how to ask"};
        std::string path = machine.record.control_address;
        if (path.starts_with("unix:"))
            path.erase(0, std::string_view{"unix:"}.size());
        const UniqueFd socket = connect_to_path(path, patience);
        nlohmann::json message{{"method", std::string{interface} + method}};
        if (!parameters.empty())
            message["parameters"] = nlohmann::json::parse(parameters);
        const auto answer =
            nlohmann::json::parse(call_varlink(socket, message.dump(), descriptor).text, nullptr, false);
        if (!answer.is_object())
            throw Failure{FailureKind::system, "it answers nonsense"};
        if (const auto error = answer.find("error"); error != answer.end())
            throw Failure{FailureKind::system,
                          "it answers " + escaped_for_people(error->is_string() ? error->get<std::string>() : "?")};
    });
}

} // namespace machinist
