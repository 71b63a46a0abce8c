// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fake_polkit.hpp"

#include <utility>

namespace machinist::testing {

namespace {

constexpr Member authority_members[] = {
    {.kind = MemberKind::method, .name = "CheckAuthorization", .in = "(sa{sv})sa{ss}us", .out = "(bba{ss})"},
    {.kind = MemberKind::method, .name = "CancelCheckAuthorization", .in = "s"},
};
const InterfaceContract authority_contract{"org.freedesktop.PolicyKit1.Authority", authority_members};

} // namespace

FakePolkit::FakePolkit(std::unique_ptr<Connection> bus) : bus_(std::move(bus)), authority_(authority_contract) {
    authority_.method("CheckAuthorization", [this](const Call& call) {
        const auto [kind, values] = call.take<std::tuple<std::string, NamedValues>>();
        Asked question;
        question.caller = kind + " " +
                          (kind == "unix-process" ? std::to_string(std::get<std::uint32_t>(values.at("pid")))
                                                  : std::get<std::string>(values.at("name")));
        question.action = call.take<std::string>();
        question.details = call.take<std::map<std::string, std::string>>();
        question.flags = call.take<std::uint32_t>();
        question.cancellation = call.take<std::string>();
        asked.push_back(question);
        if (takes_its_time)
            waiting_.push_back(call);
        else
            tell(call, allowed.contains(question.action));
    });
    authority_.method("CancelCheckAuthorization", [this](const Call& call) {
        cancelled.push_back(call.take<std::string>());
        call.reply();
    });
    authority_.serve_at(bus_->raw(), "/org/freedesktop/PolicyKit1/Authority");
    (void)bus_->take_name("org.freedesktop.PolicyKit1", false);
}

void FakePolkit::tell(const Call& call, bool allow) {
    call.reply(std::tuple<bool, bool, std::map<std::string, std::string>>{allow, false, {}});
}

void FakePolkit::decide(bool allow) {
    for (const Call& call : std::exchange(waiting_, {}))
        tell(call, allow);
}

} // namespace machinist::testing
