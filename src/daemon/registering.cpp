// SPDX-License-Identifier: LGPL-2.1-or-later
// Members by which machines come into the registry, and go without ending.
#include "base/failure.hpp"
#include "bus/systemd_units.hpp"
#include "daemon/interfaces.hpp"
#include "daemon/object_paths.hpp"
#include "registry/run_directory_view.hpp"

#include <memory>

namespace machinist {

namespace {

constexpr const char* create_action = "org.freedesktop.machine1.create-machine";
constexpr const char* register_action = "org.freedesktop.machine1.register-machine";

// Requests hold a descriptor and are kept while the authority thinks: copyable handlers need them shared.
using Request = std::shared_ptr<RegistrationRequest>;

Request take_positional(const Call& call, bool with_network) {
    auto request = std::make_shared<RegistrationRequest>();
    request->name = call.take<std::string>();
    request->id = call.take<std::vector<std::uint8_t>>();
    request->service = call.take<std::string>();
    request->machine_class = call.take<std::string>();
    request->leader = call.take<std::uint32_t>();
    request->root = call.take<std::string>();
    if (with_network)
        request->network_interfaces = call.take<std::vector<std::int32_t>>();
    return request;
}

template <typename T>
const T& value_of(const Options::value_type& option) {
    if (const T* value = std::get_if<T>(&option.second))
        return *value;
    throw Failure{FailureKind::invalid, "property '" + option.first.substr(0, 100) + "' is of another type"};
}

Pidfd process_behind(const SharedFd& descriptor) {
    UniqueFd own{::fcntl(descriptor->get(), F_DUPFD_CLOEXEC, 3)};
    if (!own)
        throw system_failure("keep the leader's descriptor");
    auto process = Pidfd::adopt(std::move(own));
    if (!process)
        throw Failure{FailureKind::invalid, "Invalid leader PIDFD: it is none of a process that lives here"};
    return std::move(*process);
}

Request take_named(const Call& call) {
    auto request = std::make_shared<RegistrationRequest>();
    request->name = call.take<std::string>();
    bool has_number = false;
    bool has_number_id = false;
    for (const auto& option : call.take<Options>()) {
        const std::string& key = option.first;
        if (key == "Id")
            request->id = value_of<std::vector<std::uint8_t>>(option);
        else if (key == "Service")
            request->service = value_of<std::string>(option);
        else if (key == "Class")
            request->machine_class = value_of<std::string>(option);
        else if (key == "LeaderPID")
            request->leader = value_of<std::uint32_t>(option), has_number = true;
        else if (key == "LeaderPIDFDID")
            request->leader_pidfd_id = value_of<std::uint64_t>(option), has_number_id = true;
        else if (key == "LeaderPIDFD")
            request->leader_held = process_behind(value_of<SharedFd>(option));
        else if (key == "RootDirectory")
            request->root = value_of<std::string>(option);
        else if (key == "NetworkInterfaces")
            request->network_interfaces = value_of<std::vector<std::int32_t>>(option);
        else if (key == "VSockCID")
            request->vsock_cid = value_of<std::uint32_t>(option);
        else if (key == "SSHAddress")
            request->ssh_address = value_of<std::string>(option);
        else if (key == "SSHPrivateKeyPath")
            request->ssh_private_key_path = value_of<std::string>(option);
        else
            throw Failure{FailureKind::invalid, "Unknown property '" + key.substr(0, 100) + "'"};
    }
    if (!request->leader_held && has_number != has_number_id)
        throw Failure{FailureKind::invalid, "LeaderPID and LeaderPIDFDID come together or not at all"};
    return request;
}

// What root's launchers start for others is those others'.
Registration judged(const Service& service, const Call& call, const Request& request) {
    const Caller caller = call.caller();
    Registration wanted = judge(std::move(*request), {.uid = caller.uid, .pid = caller.pid});
    if (caller.uid != 0)
        return wanted;
    const auto view = RunDirectoryView::open(service.errands.places().run_directories / wanted.record.name.text());
    if (view && view->is_kept())
        wanted.record.uid = view->owner().value_or(0);
    return wanted;
}

void create(Service& service, const Call& call, const Request& request) {
    const auto properties = std::make_shared<const PassedProperties>(call.message());
    const std::string name = request->name;
    when_allowed(service, call, {.action = create_action, .verb = "create", .machine = name}, [=, &service] {
        service.registry.create_machine(judged(service, call, request), properties,
                                        [call, name](const Failure* failure) {
                                            answer(call, [&] {
                                                if (failure != nullptr)
                                                    throw Failure{*failure};
                                                call.reply(ObjectPath{path_of_machine(name)});
                                            });
                                        });
    });
}

void enroll(Service& service, const Call& call, const Request& request) {
    when_allowed(service, call, {.action = register_action, .verb = "register", .machine = request->name},
                 [=, &service] {
                     const auto& machine = service.registry.register_machine(judged(service, call, request));
                     call.reply(ObjectPath{path_of_machine(machine.name())});
                 });
}

} // namespace

void attach_registering(Interfaces& interfaces, Service& service) {
    ServedInterface& manager = interfaces.manager;
    manager.method("CreateMachine", [&](const Call& call) { create(service, call, take_positional(call, false)); });
    manager.method("CreateMachineWithNetwork",
                   [&](const Call& call) { create(service, call, take_positional(call, true)); });
    manager.method("CreateMachineEx", [&](const Call& call) { create(service, call, take_named(call)); });
    manager.method("RegisterMachine", [&](const Call& call) { enroll(service, call, take_positional(call, false)); });
    manager.method("RegisterMachineWithNetwork",
                   [&](const Call& call) { enroll(service, call, take_positional(call, true)); });
    manager.method("RegisterMachineEx", [&](const Call& call) { enroll(service, call, take_named(call)); });
    manager.method("UnregisterMachine", [&service](const Call& call) {
        const auto name = call.take<std::string>();
        when_allowed(service, call,
                     {.action = manage_machines, .verb = "unregister", .machine = name, .owner_may = true},
                     [=, &service] {
                         service.registry.unregister(name);
                         call.reply();
                     });
    });
}

} // namespace machinist
