// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/command.hpp"

#include "base/text.hpp"
#include "enter/report.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <linux/bpf_common.h>
#include <unistd.h>

namespace machinist::enter {

namespace {

constexpr const char* usual_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::size_t longest_shown = 200;                                      // of a path in a message
constexpr std::size_t largest_filter = std::size_t{4096} * sizeof(sock_filter); // BPF_MAXINSNS

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
    std::vector<char*> pointers;
    for (const std::string& word : words)
        pointers.push_back(const_cast<char*>(word.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

std::string value_of(const std::vector<std::string>& environment, std::string_view name) {
    for (const std::string& assignment : environment)
        if (assignment.starts_with(name) && assignment.size() > name.size() && assignment[name.size()] == '=')
            return assignment.substr(name.size() + 1);
    return {};
}

bool is_missing(int error_number) {
    return error_number == ENOENT || error_number == ENOTDIR;
}

// The errno of the attempt that says most: one that was found and refused rather than one that is not there.
int try_to_execute(const std::string& program, const std::vector<std::string>& arguments,
                   const std::vector<std::string>& environment) {
    const auto words = pointers_to(arguments);
    const auto variables = pointers_to(environment);
    if (program.contains('/')) {
        ::execve(program.c_str(), words.data(), variables.data());
        return errno;
    }
    int cause = ENOENT;
    const std::string path = value_of(environment, "PATH");
    for (const std::string_view directory : split(path, ':')) {
        // An empty part would be the working directory, which is not where commands are looked for.
        if (!directory.starts_with('/'))
            continue;
        ::execve((std::string{directory} + "/" + program).c_str(), words.data(), variables.data());
        if (!is_missing(errno))
            cause = errno;
    }
    return cause;
}

} // namespace

std::vector<std::string> command_environment(const Order& order, const Account& account) {
    std::vector<std::string> environment{std::string{"PATH="} + usual_path, "HOME=" + account.home,
                                         "SHELL=" + (account.shell.empty() ? "/bin/sh" : account.shell)};
    if (!account.name.empty()) {
        environment.push_back("USER=" + account.name);
        environment.push_back("LOGNAME=" + account.name);
    }
    if (!order.service.empty())
        environment.push_back("container=" + order.service);
    for (const std::string& assignment : order.environment) {
        const std::string name = assignment.substr(0, assignment.find('=') + 1);
        std::erase_if(environment, [&](const std::string& other) { return other.starts_with(name); });
        environment.push_back(assignment);
    }
    return environment;
}

void execute_command(const Order& order, const Account& account) {
    const std::vector<std::string> environment = command_environment(order, account);
    std::string program;
    std::vector<std::string> arguments = order.command;
    if (order.login_shell) {
        program = value_of(environment, "SHELL");
        // The leading dash is how a shell learns that it is a login shell.
        arguments = {"-" + program.substr(program.rfind('/') + 1)};
    } else {
        program = arguments.front();
    }
    const int cause = try_to_execute(program, arguments, environment);
    throw NotExecuted{system_failure("run '" + program.substr(0, longest_shown) + "'", cause),
                      is_missing(cause) ? status_not_found : status_not_executable};
}

std::vector<sock_filter> read_filter(BorrowedFd file) {
    const std::string bytes = read_all(file, largest_filter + 1);
    if (bytes.size() > largest_filter || bytes.size() % sizeof(sock_filter) != 0)
        throw Failure{FailureKind::invalid, "read the syscall filter: it is no program"};
    std::vector<sock_filter> program(bytes.size() / sizeof(sock_filter));
    std::memcpy(program.data(), bytes.data(), bytes.size());
    return program;
}

} // namespace machinist::enter
