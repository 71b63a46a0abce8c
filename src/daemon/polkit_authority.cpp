// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/polkit_authority.hpp"

#include "bus/log.hpp"

#include <map>
#include <string>
#include <unistd.h>

namespace machinist {

namespace {

constexpr const char* service = "org.freedesktop.PolicyKit1";
constexpr const char* path = "/org/freedesktop/PolicyKit1/Authority";
constexpr const char* interface = "org.freedesktop.PolicyKit1.Authority";
constexpr std::uint32_t may_ask_the_person = 1;
// A person looks for the password; polkit itself gives up long before.
constexpr std::chrono::seconds patience{600};
constexpr std::size_t most_questions = 256;

std::tuple<std::string, NamedValues> subject_of(const Asker& asker) {
    if (!asker.bus_name.empty())
        return {"system-bus-name", {{"name", asker.bus_name}}};
    return {"unix-process",
            {{"pid", static_cast<std::uint32_t>(asker.pid)},
             {"start-time", asker.start_time},
             {"uid", static_cast<std::int32_t>(asker.uid)}}};
}

std::string id_of(std::uint64_t number) {
    return "machinist-" + std::to_string(::getpid()) + "-" + std::to_string(number);
}

} // namespace

std::uint64_t PolkitAuthority::decide(const Asker& asker, const Question& question, OnDecision on_decision) {
    if (asker.uid == 0 || (question.owner && *question.owner == asker.uid)) {
        on_decision(true);
        return 0;
    }
    if (pending_.size() >= most_questions)
        throw Failure{FailureKind::too_many, "too many callers wait for a decision of polkit"};
    const std::uint64_t number = ++last_;
    auto watch =
        asker.bus_name.empty() ? BusSlot{} : bus_.when_gone(asker.bus_name, [this, number] { withdraw(number); });
    const auto fill = [&](sd_bus_message* message) {
        wire::put(message, subject_of(asker));
        wire::put(message, question.action);
        wire::put(message, std::map<std::string, std::string>{question.details.begin(), question.details.end()});
        wire::put(message, asker.may_be_asked ? may_ask_the_person : std::uint32_t{0});
        wire::put(message, id_of(number));
    };
    Pending& pending = pending_[number];
    pending.on_decision = std::move(on_decision);
    pending.caller_watch = std::move(watch);
    pending.call = bus_.call_while(
        {service, path, interface, "CheckAuthorization"}, fill,
        [this, number](const Answer& answer) { asked(number, answer); }, patience);
    return number;
}

void PolkitAuthority::asked(std::uint64_t number, const Answer& answer) {
    const auto found = pending_.find(number);
    if (found == pending_.end())
        return;
    // The slot of the call that is being handled must outlive this.
    const Pending pending = std::move(found->second);
    pending_.erase(found);
    bool allowed = false;
    if (answer.failed())
        log_notice(answer.failure("ask polkit").what());
    else
        allowed = std::get<0>(answer.take<std::tuple<bool, bool, std::map<std::string, std::string>>>());
    pending.on_decision(allowed);
}

void PolkitAuthority::withdraw(std::uint64_t number) {
    const auto found = pending_.find(number);
    if (found == pending_.end())
        return;
    const Pending pending = std::move(found->second);
    pending_.erase(found);
    bus_.call(
        {service, path, interface, "CancelCheckAuthorization"},
        [&](sd_bus_message* message) { wire::put(message, id_of(number)); }, [](const Answer&) {});
    // Nobody is there to be told; the call is closed all the same.
    pending.on_decision(false);
}

} // namespace machinist
