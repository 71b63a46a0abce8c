// SPDX-License-Identifier: LGPL-2.1-or-later
// io.systemd.Machine.List: one machine or all, with what only a look into them tells on demand.
#include "base/failure.hpp"
#include "daemon/facts.hpp"
#include "daemon/varlink_service.hpp"
#include "registry/id_mapping.hpp"

#include <deque>
#include <memory>
#include <nlohmann/json.hpp>

namespace machinist {

namespace {

using nlohmann::json;
using varlink::Parameters;

json process_of(pid_t pid, std::uint64_t inode) {
    json process{{"pid", pid}};
    if (inode != 0)
        process["pidfdId"] = inode;
    return process;
}

json row_of(const RegisteredMachine& machine) {
    const MachineRecord& record = machine.record;
    json row{{"name", machine.name()},
             {"class", record.machine_class.empty() ? "container" : record.machine_class},
             {"leader", process_of(record.leader, record.leader_pidfd_id)},
             {"timestamp", {{"realtime", record.realtime}, {"monotonic", record.monotonic}}},
             {"UID", record.uid}};
    if (record.id)
        row["id"] = record.id->plain();
    if (record.supervisor != 0)
        row["supervisor"] = process_of(record.supervisor, record.supervisor_pidfd_id);
    if (record.vsock_cid != UINT32_MAX)
        row["vSockCid"] = record.vsock_cid;
    const std::pair<const char*, const std::string&> texts[] = {{"service", record.service},
                                                                {"rootDirectory", record.root},
                                                                {"unit", record.scope},
                                                                {"subgroup", machine.subgroup},
                                                                {"sshAddress", record.ssh_address},
                                                                {"sshPrivateKeyPath", record.ssh_private_key_path},
                                                                {"controlAddress", record.control_address}};
    for (const auto& [key, text] : texts)
        if (!text.empty())
            row[key] = text;
    return row;
}

// Machine by machine, so that no list, however long, is more than one errand at a time.
struct Listing : std::enable_shared_from_this<Listing> {
    Listing(Service& of, const varlink::Call& by) : service(of), call(by) {}

    Service& service;
    varlink::Call call;
    std::deque<std::string> names;
    bool with_metadata = false;
    bool graceful = false;
    std::optional<json> last; // held back until it is known whether it is the last

    void give(json row) {
        if (last)
            call.reply_more(std::move(*last));
        last = std::move(row);
    }
    void end() {
        if (!last)
            throw Failure{FailureKind::no_machine, "no machine"};
        call.reply(std::move(*last));
    }
    void go_on() {
        while (!names.empty()) {
            const std::string name = std::move(names.front());
            names.pop_front();
            const RegisteredMachine* machine = service.registry.find(name);
            if (machine == nullptr)
                continue;
            if (with_metadata) {
                look_into(*machine);
                return;
            }
            give(row_of(*machine));
        }
        end();
    }
    void look_into(const RegisteredMachine& machine) {
        auto row = std::make_shared<json>(row_of(machine));
        if (!machine.is_host)
            try {
                if (const auto shift = read_id_mappings(machine.leader).shift())
                    (*row)["UIDShift"] = *shift;
            } catch (const Failure&) {
                // It ends at this moment.
            }
        const auto self = shared_from_this();
        find_addresses(service, machine.name(),
                       [self, row](const std::vector<MachineAddress>* found, const Failure* failure) {
                           answer(self->call, [&] {
                               if (failure == nullptr)
                                   for (const auto& [family, bytes] : *found)
                                       (*row)["addresses"].push_back({{"family", family}, {"address", bytes}});
                               // A machine with the host's network has none of its own to tell.
                               else if (!self->graceful && failure->kind() != FailureKind::no_own_network)
                                   throw Failure{*failure};
                               self->look_at_system(row);
                           });
                       });
    }
    void look_at_system(const std::shared_ptr<json>& row) {
        const auto self = shared_from_this();
        find_os_release(service, row->at("name").get<std::string>(),
                        [self, row](const std::map<std::string, std::string>* fields, const Failure* failure) {
                            answer(self->call, [&] {
                                if (failure == nullptr)
                                    for (const auto& [key, value] : *fields)
                                        (*row)["OSRelease"].push_back(key + "=" + value);
                                else if (!self->graceful)
                                    return self->call.fail("io.systemd.Machine.NoOSReleaseInformation");
                                self->give(std::move(*row));
                                self->go_on();
                            });
                        });
    }
};

void list(Service& service, const varlink::Call& call, Parameters& parameters) {
    const bool one = parameters.optional_text("name") || parameters.object("pid") != nullptr;
    const auto metadata = parameters.optional_word("acquireMetadata", {"no", "yes", "graceful"}).value_or("no");
    const auto interactive = parameters.optional_bool("allowInteractiveAuthentication");
    auto listing = std::make_shared<Listing>(service, call);
    listing->with_metadata = metadata != "no";
    listing->graceful = metadata == "graceful";
    if (one)
        listing->names.push_back(selected_machine(service, call, parameters));
    parameters.end();
    if (!one && !call.wants_more())
        return call.fail("org.varlink.service.ExpectedMore");
    if (!one) {
        listing->names.emplace_back(".host");
        for (const auto& [name, machine] : service.registry.machines())
            listing->names.emplace_back(name);
    }
    if (!listing->with_metadata)
        return listing->go_on();
    when_allowed(service, call,
                 {.action = inspect_machines, .verb = {}, .machine = one ? listing->names.front() : "", .details = {}},
                 interactive, [listing] { listing->go_on(); });
}

} // namespace

void attach_varlink_machine_list(VarlinkService& varlink, Service& service) {
    varlink.method("io.systemd.Machine.List",
                   [&service](const varlink::Call& call, Parameters& parameters) { list(service, call, parameters); });
}

} // namespace machinist
