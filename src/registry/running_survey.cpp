// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/running_survey.hpp"

#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "kernel/files.hpp"
#include "kernel/sockets.hpp"

#include <algorithm>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace machinist {

namespace {

using Clock = std::chrono::steady_clock;

AnsweringProcess start(const std::vector<SurveyTarget>& targets, const SurveyWish& wish) {
    if (::geteuid() != 0)
        throw Failure{FailureKind::not_permitted, "look into machines: only root may"};
    auto [ours, theirs] = make_message_socket_pair();
    PreparedEntry prepared;
    // It joins networks only: no machine can reach the file that it runs from.
    prepared.program = open_path(own_program("machinist-survey"), O_PATH);
    prepared.arguments = {"machinist-survey", "--reply=" + std::to_string(prepared.hand_over(std::move(theirs)))};
    if (wish.system)
        prepared.arguments.emplace_back("--system");
    if (wish.addresses)
        prepared.arguments.emplace_back("--addresses");
    for (const SurveyTarget& target : targets)
        prepared.arguments.push_back(target_word(target));
    return AnsweringProcess{prepared, std::move(ours)};
}

} // namespace

RunningSurvey::RunningSurvey(const std::vector<SurveyTarget>& targets, const SurveyWish& wish)
    : process_(start(targets, wish)) {}

bool RunningSurvey::take() {
    const ReceivedMessage message = receive_message(process_.socket());
    if (message.end)
        return false;
    if (auto finding = read_finding_message(message.bytes))
        findings_.insert_or_assign(finding->leader, std::move(*finding));
    return true;
}

std::map<pid_t, SurveyFinding> survey_machines(const std::vector<SurveyTarget>& targets, const SurveyWish& wish,
                                               std::chrono::milliseconds patience) {
    if (targets.empty() || (!wish.system && !wish.addresses))
        return {};
    RunningSurvey running{targets, wish};
    const auto deadline = Clock::now() + patience;
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd ready{.fd = running.socket().get(), .events = POLLIN, .revents = 0};
        if (::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(left, 0))) <= 0 || !running.take())
            return running.findings();
    }
}

} // namespace machinist
