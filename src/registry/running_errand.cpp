// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/running_errand.hpp"

#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "kernel/files.hpp"
#include "kernel/sockets.hpp"

#include <fcntl.h>
#include <poll.h>

namespace machinist {

namespace {

std::string about(const Machine& machine) {
    return "machine '" + machine.name() + "'";
}

RunningErrand start(const Machine& machine, const Errand& errand, const Places& places, const Entry& entry) {
    auto [ours, theirs] = make_message_socket_pair();
    return RunningErrand{prepare_errand(machine, errand, entry, std::move(theirs), places), std::move(ours)};
}

} // namespace

RunningErrand::RunningErrand(const Machine& machine, const Errand& errand, const Places& places, const Entry& entry)
    : RunningErrand(start(machine, errand, places, entry)) {}

RunningErrand::RunningErrand(const PreparedEntry& prepared, UniqueFd answer)
    : program_(prepared.arguments.front()), process_(prepared, std::move(answer)) {}

ErrandAnswer RunningErrand::finish() {
    ReceivedMessage message = receive_message(process_.socket());
    if (message.end)
        throw Failure{FailureKind::internal, program_ + " ended without an answer"};
    return {.text = read_errand_message(message.bytes), .descriptors = std::move(message.descriptors)};
}

RunningErrand start_program_errand(const std::string& program, const std::vector<std::string>& words) {
    auto [ours, theirs] = make_message_socket_pair();
    PreparedEntry prepared;
    prepared.program = open_path(own_program(program), O_RDONLY);
    const int number = prepared.hand_over(std::move(theirs));
    prepared.arguments = {program, std::to_string(number)};
    prepared.arguments.insert(prepared.arguments.end(), words.begin(), words.end());
    return RunningErrand{prepared, std::move(ours)};
}

ErrandAnswer run_errand(const Machine& machine, const Errand& errand, const Places& places,
                        std::optional<std::chrono::milliseconds> patience, const Entry& entry) {
    return doing(about(machine), [&] {
        RunningErrand running{machine, errand, places, entry};
        pollfd ready{.fd = running.answer_socket().get(), .events = POLLIN, .revents = 0};
        if (patience && ::poll(&ready, 1, static_cast<int>(patience->count())) == 0)
            throw Failure{FailureKind::timed_out,
                          "no answer for " + std::to_string(patience->count() / 1000) + " seconds"};
        return running.finish();
    });
}

} // namespace machinist
