// SPDX-License-Identifier: LGPL-2.1-or-later
// Methods of io.systemd.Machine but List.
#include "base/failure.hpp"
#include "base/machine_id.hpp"
#include "daemon/interfaces.hpp"
#include "daemon/own_users.hpp"
#include "daemon/sessions.hpp"
#include "daemon/varlink_service.hpp"
#include "kernel/files.hpp"
#include "registry/service/registration.hpp"

#include <fcntl.h>
#include <limits>
#include <nlohmann/json.hpp>

namespace machinist {

namespace {

using nlohmann::json;
using varlink::InvalidParameter;
using varlink::Parameters;

constexpr std::chrono::seconds patience{25};
constexpr const char* interactive_key = "allowInteractiveAuthentication";

std::uint32_t small_number(const char* name, std::uint64_t number) {
    if (number > std::numeric_limits<std::uint32_t>::max())
        throw InvalidParameter{name};
    return static_cast<std::uint32_t>(number);
}

std::shared_ptr<RegistrationRequest> take_registration(Parameters& parameters) {
    auto request = std::make_shared<RegistrationRequest>();
    request->name = parameters.text("name");
    if (const auto text = parameters.optional_text("id")) {
        const auto id = MachineId::parse(*text);
        if (!id)
            throw InvalidParameter{"id"};
        request->id = {id->bytes().begin(), id->bytes().end()};
    }
    request->service = parameters.optional_text("service").value_or("");
    const auto machine_class = parameters.optional_word("class", {"container", "vm"});
    if (!machine_class)
        throw InvalidParameter{"class"};
    request->machine_class = *machine_class;
    request->leader = small_number("leader", parameters.optional_number("leader").value_or(0));
    if (const auto* process = parameters.object("leaderProcessId")) {
        Parameters fields{*process};
        request->leader = small_number("leaderProcessId", fields.optional_number("pid").value_or(0));
        request->leader_pidfd_id = fields.optional_number("pidfdId").value_or(0);
    }
    // Who the supervisor is, is not the caller's to say.
    (void)parameters.optional_number("supervisor");
    (void)parameters.object("supervisorProcessId");
    request->root = parameters.optional_text("rootDirectory").value_or("");
    request->network_interfaces = parameters.optional_numbers("ifIndices").value_or(std::vector<std::int32_t>{});
    request->vsock_cid = small_number("vSockCid", parameters.optional_number("vSockCid").value_or(request->vsock_cid));
    request->ssh_address = parameters.optional_text("sshAddress").value_or("");
    request->ssh_private_key_path = parameters.optional_text("sshPrivateKeyPath").value_or("");
    request->control_address = parameters.optional_text("controlAddress").value_or("");
    return request;
}

void enroll(Service& service, const varlink::Call& call, Parameters& parameters) {
    const auto request = take_registration(parameters);
    const bool own_unit = parameters.optional_bool("allocateUnit").value_or(false);
    const auto interactive = parameters.optional_bool(interactive_key);
    parameters.end();
    when_allowed(
        service, call,
        {.action = own_unit ? "org.freedesktop.machine1.create-machine" : "org.freedesktop.machine1.register-machine",
         .verb = own_unit ? "create" : "register",
         .machine = request->name,
         .details = {}},
        interactive, [=, &service] {
            auto wanted = judge(std::move(*request), {.uid = call.peer().uid, .pid = call.peer().pid});
            if (own_unit) {
                service.registry.create_machine(std::move(wanted), nullptr, replying(call));
                return;
            }
            (void)service.registry.register_machine(std::move(wanted));
            call.reply();
        });
}

Permission managing(const std::string& machine, const char* verb, bool owner_may = false) {
    return {.action = manage_machines, .verb = verb, .machine = machine, .owner_may = owner_may, .details = {}};
}

void kill(Service& service, const varlink::Call& call, Parameters& parameters) {
    const std::string name = selected_machine(service, call, parameters);
    const auto interactive = parameters.optional_bool(interactive_key);
    const auto whom = parameters.optional_word("whom", {"leader", "supervisor", "all"});
    const auto signal = parameters.optional_signed("signal");
    parameters.end();
    if (!signal || *signal < 1 || *signal > std::numeric_limits<std::int32_t>::max())
        throw InvalidParameter{"signal"};
    when_allowed(service, call, managing(name, "kill", true), interactive, [=, &service] {
        service.registry.kill(name, whom.value_or("all"), static_cast<int>(*signal), replying(call));
    });
}

void open_terminal(Service& service, Sessions& sessions, const varlink::Call& call, Parameters& parameters) {
    const std::string name = selected_machine(service, call, parameters);
    const auto interactive = parameters.optional_bool(interactive_key);
    const auto mode = parameters.optional_word("mode", {"tty", "login", "shell"});
    const auto user = parameters.optional_text("user");
    const auto path = parameters.optional_text("path");
    const auto arguments = parameters.optional_texts("args");
    const auto environment = parameters.optional_texts("environment");
    parameters.end();
    if (!mode)
        throw InvalidParameter{"mode"};
    const bool is_shell = *mode == "shell";
    if (!is_shell && (user || path || arguments || environment))
        throw InvalidParameter{user ? "user" : path ? "path" : arguments ? "args" : "environment"};
    const ShellUnit shell{.user = user.value_or(""),
                          .program = path.value_or(""),
                          .arguments = arguments.value_or(std::vector<std::string>{}),
                          .environment = environment.value_or(std::vector<std::string>{})};
    const std::string what = *mode == "tty" ? "open-pty" : *mode;
    Permission permission{.action = std::string{"org.freedesktop.machine1."} + (name == ".host" ? "host-" : "") + what,
                          .verb = *mode == "tty" ? "" : *mode,
                          .machine = name,
                          .owner_may = !is_shell || has_own_users(service, name),
                          .details = {}};
    if (is_shell)
        permission.details = {{"user", shell.user.empty() ? "root" : shell.user},
                              {"program", shell.program.empty() ? "login shell" : shell.program}};
    const auto kind = is_shell           ? Sessions::Kind::shell
                      : *mode == "login" ? Sessions::Kind::login
                                         : Sessions::Kind::terminal;
    when_allowed(service, call, std::move(permission), interactive, [=, &service, &sessions] {
        sessions.open(service.registry.get(name), kind, shell,
                      [call](const Sessions::Opened* opened, const Failure* failure) {
                          answer(call, [&] {
                              if (failure != nullptr)
                                  throw Failure{*failure};
                              call.reply({{"ptyFileDescriptor", 0}, {"ptyPath", opened->slave}}, opened->master);
                          });
                      });
    });
}

// uid and gid, of which at least one is asked for.
struct Ids {
    std::optional<std::uint64_t> user;
    std::optional<std::uint64_t> group;
};

Ids take_ids(Parameters& parameters) {
    const Ids ids{.user = parameters.optional_number("uid"), .group = parameters.optional_number("gid")};
    if (!ids.user && !ids.group)
        throw InvalidParameter{"uid"};
    return ids;
}

using Map = std::optional<std::uint32_t> (*)(const std::vector<IdMap>& maps, std::uint32_t id);

// Nothing if one of them is none of the machine's.
std::optional<json> mapped(const IdMappings& mappings, const Ids& ids, Map map) {
    json values = json::object();
    if (ids.user) {
        const auto user = map(mappings.users, small_number("uid", *ids.user));
        if (!user)
            return std::nullopt;
        values["uid"] = *user;
    }
    if (ids.group) {
        const auto group = map(mappings.groups, small_number("gid", *ids.group));
        if (!group)
            return std::nullopt;
        values["gid"] = *group;
    }
    return values;
}

Failure no_mapping(const Ids& ids) {
    return {ids.user ? FailureKind::no_user_mapping : FailureKind::no_group_mapping, "no machine has that id"};
}

void map_from(Service& service, const varlink::Call& call, Parameters& parameters) {
    const std::string name = selected_machine(service, call, parameters);
    (void)parameters.optional_bool(interactive_key);
    const Ids ids = take_ids(parameters);
    parameters.end();
    const auto mappings = own_users_of(service.registry.get(name));
    auto values = mappings ? mapped(*mappings, ids, outside_of) : std::nullopt;
    if (!values)
        throw no_mapping(ids);
    call.reply(std::move(*values));
}

void map_to(Service& service, const varlink::Call& call, Parameters& parameters) {
    const Ids ids = take_ids(parameters);
    parameters.end();
    if (ids.user && *ids.user < first_id_of_machines)
        return call.fail("io.systemd.Machine.UserInHostRange");
    if (ids.group && *ids.group < first_id_of_machines)
        return call.fail("io.systemd.Machine.GroupInHostRange");
    auto found = find_by_own_users(service.registry,
                                   [&](const IdMappings& mappings) { return mapped(mappings, ids, inside_of); });
    if (!found)
        throw no_mapping(ids);
    auto& [machine, values] = *found;
    values["machineName"] = machine->name();
    call.reply(std::move(values));
}

void copy(Service& service, const varlink::Call& call, Parameters& parameters, ErrandKind kind) {
    const std::string name = selected_machine(service, call, parameters);
    const auto interactive = parameters.optional_bool(interactive_key);
    const std::string source = parameters.text("source");
    const auto destination = parameters.optional_text("destination");
    const bool replace = parameters.optional_bool("replace").value_or(false);
    parameters.end();
    when_allowed(service, call, managing(name, "copy"), interactive, [=, &service] {
        const std::uint64_t errand =
            service.errands.run(service.registry.get(name),
                                {.kind = kind, .words = {source, destination.value_or(source)}, .replace = replace}, {},
                                replying_when_done(call));
        call.when_gone([&service, errand] { service.errands.caller_gone(errand); });
    });
}

void bind(Service& service, const varlink::Call& call, Parameters& parameters) {
    const std::string name = selected_machine(service, call, parameters);
    const auto interactive = parameters.optional_bool(interactive_key);
    const std::string source = parameters.text("source");
    const auto destination = parameters.optional_text("destination");
    const bool read_only = parameters.optional_bool("readOnly").value_or(false);
    const bool make = parameters.optional_bool("mkdir").value_or(false);
    parameters.end();
    when_allowed(service, call, managing(name, "bind"), interactive, [=, &service] {
        service.errands.run(service.registry.get(name),
                            {.kind = ErrandKind::bind,
                             .words = {source, destination.value_or(source)},
                             .read_only = read_only,
                             .make = make},
                            {.patience = patience}, replying_when_done(call));
    });
}

void open_root(Service& service, const varlink::Call& call, Parameters& parameters) {
    const std::string name = selected_machine(service, call, parameters);
    const auto interactive = parameters.optional_bool(interactive_key);
    parameters.end();
    when_allowed(service, call, managing(name, "open_root_directory"), interactive, [=, &service] {
        const RegisteredMachine& machine = service.registry.get(name);
        if (machine.is_host)
            return call.reply({{"fileDescriptor", 0}}, open_path("/", O_RDONLY | O_DIRECTORY));
        service.errands.run(machine, {.kind = ErrandKind::root}, {.patience = patience},
                            [call](const ErrandAnswer* done, const Failure* failure) {
                                answer(call, [&] {
                                    if (failure != nullptr)
                                        throw Failure{*failure};
                                    call.reply({{"fileDescriptor", 0}}, done->descriptors.at(0));
                                });
                            });
    });
}

} // namespace

void attach_varlink_machines(VarlinkService& varlink, Service& service, Sessions& sessions) {
    const auto attach = [&](const char* name, void (*handler)(Service&, const varlink::Call&, Parameters&)) {
        varlink.method(std::string{"io.systemd.Machine."} + name,
                       [&service, handler](const varlink::Call& call, Parameters& parameters) {
                           handler(service, call, parameters);
                       });
    };
    attach("Register", enroll);
    attach("Kill", kill);
    attach("MapFrom", map_from);
    attach("MapTo", map_to);
    attach("BindMount", bind);
    attach("OpenRootDirectory", open_root);
    attach("CopyTo", [](Service& of, const varlink::Call& call, Parameters& parameters) {
        copy(of, call, parameters, ErrandKind::copy_to);
    });
    attach("CopyFrom", [](Service& of, const varlink::Call& call, Parameters& parameters) {
        copy(of, call, parameters, ErrandKind::copy_from);
    });
    attach("Unregister", [](Service& of, const varlink::Call& call, Parameters& parameters) {
        const std::string name = selected_machine(of, call, parameters);
        const auto interactive = parameters.optional_bool(interactive_key);
        parameters.end();
        when_allowed(of, call, managing(name, "unregister", true), interactive, [name, call, &of] {
            of.registry.unregister(name);
            call.reply();
        });
    });
    attach("Terminate", [](Service& of, const varlink::Call& call, Parameters& parameters) {
        const std::string name = selected_machine(of, call, parameters);
        const auto interactive = parameters.optional_bool(interactive_key);
        parameters.end();
        when_allowed(of, call, managing(name, "terminate", true), interactive,
                     [name, call, &of] { of.registry.terminate(name, replying(call)); });
    });
    varlink.method("io.systemd.Machine.Open", [&](const varlink::Call& call, Parameters& parameters) {
        open_terminal(service, sessions, call, parameters);
    });
}

} // namespace machinist
