// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/varlink_service.hpp"

#include "base/enum_names.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"
#include "bus/log.hpp"
#include "kernel/pidfd.hpp"
#include "machinist_config.h"
#include "varlink_descriptions.hpp"

#include <cerrno>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace machinist {

namespace {

using nlohmann::json;
using varlink::Parameters;

constexpr EnumNames<FailureKind, 11> error_names{{
    {FailureKind::no_machine, "io.systemd.Machine.NoSuchMachine"},
    {FailureKind::no_machine_of, "io.systemd.Machine.NoSuchMachine"},
    {FailureKind::machine_exists, "io.systemd.Machine.MachineExists"},
    {FailureKind::no_own_network, "io.systemd.Machine.NoPrivateNetworking"},
    {FailureKind::no_user_mapping, "io.systemd.Machine.NoSuchUser"},
    {FailureKind::no_group_mapping, "io.systemd.Machine.NoSuchGroup"},
    {FailureKind::no_image, "io.systemd.MachineImage.NoSuchImage"},
    {FailureKind::too_many, "io.systemd.MachineImage.TooManyOperations"},
    {FailureKind::not_supported, "io.systemd.Machine.NotSupported"},
    {FailureKind::not_permitted, "org.varlink.service.PermissionDenied"},
    {FailureKind::internal, "io.systemd.System"},
}};

int number_of(const Failure& failure) {
    if (failure.error_number() != 0)
        return failure.error_number();
    switch (failure.kind()) {
    case FailureKind::usage:
    case FailureKind::invalid: return EINVAL;
    case FailureKind::not_found: return ENOENT;
    case FailureKind::already_exists: return EEXIST;
    case FailureKind::busy: return EBUSY;
    case FailureKind::timed_out: return ETIMEDOUT;
    default: return EIO;
    }
}

std::string interface_of(std::string_view method) {
    return std::string{method.substr(0, method.rfind('.') == std::string_view::npos ? 0 : method.rfind('.'))};
}

bool is_described(std::string_view interface) {
    for (const auto& [name, text] : contract::varlink_descriptions)
        if (name == interface)
            return true;
    return false;
}

void get_info(const varlink::Call& call, Parameters& parameters) {
    parameters.end();
    json interfaces = json::array();
    for (const auto& [name, text] : contract::varlink_descriptions)
        interfaces.push_back(name);
    call.reply({{"vendor", "machinist"},
                {"product", "machinist (machinistd)"},
                {"version", MACHINIST_VERSION},
                {"url", ""},
                {"interfaces", std::move(interfaces)}});
}

void describe(const varlink::Call& call, Parameters& parameters) {
    const std::string wanted = parameters.text("interface");
    parameters.end();
    for (const auto& [name, text] : contract::varlink_descriptions)
        if (name == wanted)
            return call.reply({{"description", text}});
    call.fail("org.varlink.service.InterfaceNotFound", {{"interface", wanted}});
}

void refuse_all_but_root(const varlink::Call& call) {
    if (call.peer().uid != 0)
        throw Failure{FailureKind::not_permitted, "Permission denied"};
}

void set_level(const varlink::Call& call, Parameters& parameters) {
    const auto level = parameters.optional_number("level");
    parameters.end();
    refuse_all_but_root(call);
    if (!level || *level > static_cast<std::uint64_t>(highest_log_level))
        throw varlink::InvalidParameter{"level"};
    set_log_level(static_cast<int>(*level));
    call.reply();
}

void get_environment(const varlink::Call& call, Parameters& parameters) {
    parameters.end();
    refuse_all_but_root(call);
    json lines = json::array();
    for (char** line = ::environ; line != nullptr && *line != nullptr; ++line)
        if (is_utf8(*line))
            lines.push_back(*line);
    call.reply({{"environment", std::move(lines)}});
}

} // namespace

VarlinkService::VarlinkService(Service& service)
    : server_(service.loop, [this](const varlink::Call& call) { handle(call); }) {}

void VarlinkService::handle(const varlink::Call& call) {
    ++served_;
    answer(call, [&] {
        const auto found = methods_.find(call.method());
        if (found == methods_.end()) {
            if (const std::string interface = interface_of(call.method()); !is_described(interface))
                return call.fail("org.varlink.service.InterfaceNotFound", {{"interface", interface}});
            return call.fail("org.varlink.service.MethodNotFound", {{"method", call.method()}});
        }
        Parameters parameters{call.parameters()};
        found->second(call, parameters);
    });
}

void answer(const varlink::Call& call, const std::function<void()>& body) noexcept {
    try {
        try {
            body();
        } catch (const varlink::InvalidParameter& invalid) {
            call.fail("org.varlink.service.InvalidParameter", {{"parameter", invalid.name()}});
        } catch (const Failure& failure) {
            fail(call, failure);
        }
    } catch (const std::exception& broken) {
        // Answered by the call's own end.
        log_error(std::string{"a bug in "} + call.method() + ": " + broken.what());
    }
}

void fail(const varlink::Call& call, const Failure& failure) {
    if (failure.kind() == FailureKind::not_supported && call.method().starts_with("io.systemd.MachineImage."))
        return call.fail("io.systemd.MachineImage.NotSupported");
    for (const auto& [kind, name] : error_names)
        if (kind == failure.kind() && kind != FailureKind::internal)
            return call.fail(std::string{name});
    const int number = number_of(failure);
    const char* text = ::strerrorname_np(number);
    log_debug(call.method() + ": " + failure.what());
    call.fail("io.systemd.System",
              {{"origin", "linux"}, {"errnoName", text == nullptr ? "EIO" : text}, {"errno", number}});
}

void when_allowed(Service& service, const varlink::Call& call, Permission permission, std::optional<bool> interactive,
                  std::function<void()> then) {
    const varlink::Peer& peer = call.peer();
    const std::uint64_t question = service.authority.decide(
        {.bus_name = "",
         .uid = peer.uid,
         .pid = peer.pid,
         .start_time = peer.start_time,
         .may_be_asked = interactive.value_or(false)},
        question_of(service, std::move(permission)), [call, then = std::move(then)](bool allowed) {
            answer(call, [&] {
                if (!allowed)
                    throw Failure{FailureKind::not_permitted, "Permission denied"};
                then();
            });
        });
    // 0: decided, and perhaps at work on something that has its own way to see the caller go.
    if (question != 0)
        call.when_gone([&service, question] { service.authority.withdraw(question); });
}

std::string selected_machine(const Service& service, const varlink::Call& call, Parameters& parameters) {
    const auto name = parameters.optional_text("name");
    const auto* process = parameters.object("pid");
    if (process == nullptr)
        return name ? *name : service.registry.of_process(call.peer().pid).name();
    Parameters fields{*process};
    const auto number = fields.optional_number("pid");
    const auto inode = fields.optional_number("pidfdId");
    (void)fields.optional_text("bootId");
    if (!number || *number > static_cast<std::uint64_t>(std::numeric_limits<pid_t>::max()))
        throw varlink::InvalidParameter{"pid"};
    const pid_t pid = *number == 0 ? call.peer().pid : static_cast<pid_t>(*number);
    const auto held = Pidfd::open(pid);
    const bool is_another = inode && *inode != 0 && (!held || (held->inode() != 0 && held->inode() != *inode));
    const std::string& found = service.registry.of_process(pid).name();
    if (is_another || (name && *name != found))
        throw Failure{FailureKind::no_machine, "the process is of no such machine"};
    return found;
}

std::function<void(const Failure*)> replying(const varlink::Call& call) {
    return [call](const Failure* failure) {
        answer(call, [&] {
            if (failure != nullptr)
                throw Failure{*failure};
            call.reply();
        });
    };
}

Errands::OnDone replying_when_done(const varlink::Call& call) {
    return [done = replying(call)](const ErrandAnswer*, const Failure* failure) { done(failure); };
}

void attach_varlink_basics(VarlinkService& varlink, Service& service) {
    varlink.method("org.varlink.service.GetInfo", get_info);
    varlink.method("org.varlink.service.GetInterfaceDescription", describe);
    varlink.method("io.systemd.service.Ping", [](const varlink::Call& call, Parameters& parameters) {
        parameters.end();
        call.reply();
    });
    varlink.method("io.systemd.service.SetLogLevel", set_level);
    varlink.method("io.systemd.service.GetLogLevel", [](const varlink::Call& call, Parameters& parameters) {
        parameters.end();
        call.reply({{"level", log_level()}});
    });
    varlink.method("io.systemd.service.GetEnvironment", get_environment);
    varlink.method("io.systemd.service.Reload", [&service](const varlink::Call& call, Parameters& parameters) {
        parameters.end();
        refuse_all_but_root(call);
        service.registry.look_again();
        call.reply();
    });
}

} // namespace machinist
