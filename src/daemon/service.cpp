// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/service.hpp"

#include "base/failure.hpp"
#include "bus/log.hpp"

namespace machinist {

Question question_of(const Service& service, Permission permission) {
    Question question{.action = std::move(permission.action), .details = std::move(permission.details), .owner = {}};
    if (!permission.machine.empty())
        question.details.emplace_back("machine", permission.machine);
    if (!permission.verb.empty())
        question.details.emplace_back("verb", permission.verb);
    if (permission.owner_may)
        if (const auto* machine = service.registry.find(permission.machine); machine != nullptr && !machine->is_host)
            question.owner = machine->record.uid;
    return question;
}

void when_allowed(Service& service, const Call& call, Permission permission, std::function<void()> then) {
    const Caller caller = call.caller();
    const Question question = question_of(service, std::move(permission));
    service.authority.decide({.bus_name = caller.bus_name, .uid = caller.uid, .may_be_asked = caller.may_be_asked},
                             question, [call, then = std::move(then)](bool allowed) {
                                 answer(call, [&] {
                                     if (!allowed)
                                         throw Failure{FailureKind::not_permitted, "Permission denied"};
                                     then();
                                 });
                             });
}

Until until_caller_leaves(const Call& call) {
    if (sd_bus_message_get_expect_reply(call.message()) <= 0)
        return {};
    return {.patience = {}, .caller = call.caller().bus_name};
}

UnitManager::OnDone replying(const Call& call) {
    return [call](const Failure* failure) {
        answer(call, [&] {
            if (failure != nullptr)
                throw Failure{*failure};
            call.reply();
        });
    };
}

Errands::OnDone replying_when_done(const Call& call) {
    return [call](ErrandAnswer* done, const Failure* failure) {
        answer(call, [&] {
            if (failure != nullptr)
                throw Failure{*failure};
            if (!done->text.empty())
                log_debug(done->text);
            call.reply();
        });
    };
}

} // namespace machinist
