// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/order.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"

#include <charconv>
#include <fcntl.h>
#include <getopt.h>
#include <unistd.h>

namespace machinist::enter {

namespace {

enum : int {
    machine,
    pidfd,
    leader,
    filter,
    rules,
    user,
    directory,
    environment,
    service,
    pty,
    login_shell,
    escapable,
    quiet,
    timeout,
    errand,
    reply,
    read_only,
    make,
    replace,
    detach,
    relay,
    patient,
    result
};

constexpr option options[]{{"machine", required_argument, nullptr, machine},
                           {"pidfd", required_argument, nullptr, pidfd},
                           {"leader", required_argument, nullptr, leader},
                           {"filter", required_argument, nullptr, filter},
                           {"rules", required_argument, nullptr, rules},
                           {"user", required_argument, nullptr, user},
                           {"chdir", required_argument, nullptr, directory},
                           {"setenv", required_argument, nullptr, environment},
                           {"service", required_argument, nullptr, service},
                           {"pty", no_argument, nullptr, pty},
                           {"login-shell", no_argument, nullptr, login_shell},
                           {"escapable", no_argument, nullptr, escapable},
                           {"quiet", no_argument, nullptr, quiet},
                           {"timeout", required_argument, nullptr, timeout},
                           {"errand", required_argument, nullptr, errand},
                           {"reply", required_argument, nullptr, reply},
                           {"read-only", no_argument, nullptr, read_only},
                           {"mkdir", no_argument, nullptr, make},
                           {"replace", no_argument, nullptr, replace},
                           {"detach", no_argument, nullptr, detach},
                           {"relay", required_argument, nullptr, relay},
                           {"patient", no_argument, nullptr, patient},
                           {"result", required_argument, nullptr, result},
                           {}};

Failure meaningless(const char* word) {
    return Failure{FailureKind::usage, "'" + std::string{word} + "' has no meaning for machinist-enter"}.try_instead(
        "'machinist exec', which calls it");
}

UniqueFd descriptor_from(const char* word) {
    const auto number = parse_integer<int>(word);
    if (!number || *number <= STDERR_FILENO || ::fcntl(*number, F_SETFD, FD_CLOEXEC) < 0)
        throw meaningless(word);
    return UniqueFd{*number};
}

double seconds_from(std::string_view word) {
    double seconds = 0;
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), seconds);
    if (problem != std::errc{} || end != word.data() + word.size() || !(seconds >= 0) || seconds > 1e9)
        throw meaningless(std::string{word}.c_str());
    return seconds;
}

} // namespace

Order read_order(int count, char** words) {
    Order order;
    UniqueFd held;
    std::optional<pid_t> number;
    ::opterr = 0;
    for (int found = 0; (found = ::getopt_long(count, words, "+", options, nullptr)) >= 0;) {
        switch (found) {
        case machine: order.machine = ::optarg; break;
        case pidfd: held = descriptor_from(::optarg); break;
        case leader: number = parse_integer<pid_t>(::optarg); break;
        case filter: order.syscall_filter = descriptor_from(::optarg); break;
        case rules: order.syscall_rules = descriptor_from(::optarg); break;
        case user: order.user = ::optarg; break;
        case directory: order.directory = ::optarg; break;
        case environment: order.environment.emplace_back(::optarg); break;
        case service: order.service = ::optarg; break;
        case pty: order.pty = true; break;
        case login_shell: order.login_shell = true; break;
        case escapable: order.escapable = true; break;
        case quiet: order.quiet = true; break;
        case timeout: order.seconds = seconds_from(::optarg); break;
        case errand:
            order.errand = value_named(errand_names, ::optarg);
            if (!order.errand)
                throw meaningless(::optarg);
            break;
        case reply: order.reply = descriptor_from(::optarg); break;
        case read_only: order.read_only = true; break;
        case make: order.make = true; break;
        case replace: order.replace = true; break;
        case detach: order.detach = true; break;
        case relay: order.relay = descriptor_from(::optarg); break;
        case patient: order.patient = true; break;
        case result: order.result = descriptor_from(::optarg); break;
        default: throw meaningless(words[::optind - 1]);
        }
    }
    order.command.assign(words + ::optind, words + count);
    const bool runs = !order.relay && (!order.errand || order.errand == ErrandKind::shell);
    if (!held || number.value_or(0) <= 0 || (runs && order.command.empty() != order.login_shell))
        throw Failure{FailureKind::usage,
                      "machinist-enter needs --pidfd=, --leader= and either a command or --login-shell"};
    if (order.errand.has_value() != static_cast<bool>(order.reply))
        throw Failure{FailureKind::usage, "machinist-enter needs --errand= and --reply= together"};
    order.leader = Pidfd{std::move(held), *number};
    return order;
}

} // namespace machinist::enter
