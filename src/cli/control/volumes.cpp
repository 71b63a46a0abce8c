// SPDX-License-Identifier: LGPL-2.1-or-later
// Volumes of storage providers in running machines.
#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/ask_service.hpp"
#include "cli/control/machine_instance.hpp"
#include "cli/control/storage_provider.hpp"
#include "cli/control/verbs.hpp"
#include "kernel/files.hpp"
#include "registry/running_errand.hpp"
#include "spec/errand.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unistd.h>

namespace machinist {

namespace {

// What a machine may take over one look at its files.
constexpr std::chrono::seconds patience{25};
constexpr std::size_t longest_file_name = 255;

// Where a volume is in a machine, kept beside what else is known of it. A machine that was rebooted has none.
class BoundVolume {
public:
    BoundVolume(const Machine& machine, const std::string& name)
        : leader_(std::to_string(machine.leader.pid()) + " " + std::to_string(machine.leader.inode())) {
        std::string file;
        for (const char byte : name)
            if (byte == '/' || byte == '%')
                file.append(byte == '/' ? "%2f" : "%25");
            else
                file.push_back(byte);
        if (file.size() > longest_file_name)
            throw Failure{FailureKind::invalid, "volume '" + escaped_for_people(name) + "': the name is too long"};
        directory_ = machine.run_directory / "volumes";
        file_ = directory_ / file;
    }

    [[nodiscard]] std::optional<std::string> path() const {
        const auto text = read_file_if_exists(file_);
        if (!text)
            return std::nullopt;
        const auto lines = split(*text, '\n');
        return lines.size() >= 2 && lines[0] == leader_ ? std::optional{std::string{lines[1]}} : std::nullopt;
    }
    void write(const std::string& path) const {
        make_directories(directory_, 0700);
        write_atomically(file_, leader_ + "\n" + path + "\n", 0600);
    }
    void forget() const {
        std::error_code error;
        std::filesystem::remove(file_, error);
    }

private:
    std::string leader_;
    std::filesystem::path directory_;
    std::filesystem::path file_;
};

Machine machine_of(const Invocation& call, const MachineStore& machines) {
    if (asks_service(call))
        throw Failure{FailureKind::not_permitted,
                      call.verb + " '" + escaped_for_people(call.words[1]) + "': is for root"};
    return machines.get(call.words[0]);
}

void check_for_container(const VolumeWish& wish) {
    const std::string name = escaped_for_people(wish.name());
    if (wish.config.empty())
        throw Failure{FailureKind::invalid, "volume '" + name + "' needs a place in the machine"}.try_instead(
            "'" + name + ":/srv'");
    check_path_in_machine(wish.config);
    if (!wish.request_as.empty() && wish.request_as != "dir")
        throw Failure{FailureKind::not_supported,
                      "volume '" + name + "': containers get directories, files and disks are for virtual machines"}
            .try_instead("'machinist device add' for a disk");
}

void bind_to_container(const Invocation& call, const MachineStore& machines, Machine machine, VolumeWish wish) {
    check_for_container(wish);
    machines.wait_until_open(machine);
    const BoundVolume bound{machine, wish.name()};
    const bool is_ours = !machine.run_directory.empty();
    if (is_ours && bound.path())
        throw Failure{FailureKind::already_exists, "machine '" + machine.name() + "' has volume '" +
                                                       escaped_for_people(wish.name()) + "' on '" +
                                                       escaped_for_people(*bound.path()) + "'"}
            .try_instead("'machinist unbind-volume' before");
    wish.request_as = "dir";
    const Volume volume = acquire_volume(wish, call.ask_password);
    // By its number here: it has no path that anybody else knows.
    const std::string source = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(volume.descriptor.get());
    // Written before it is there: what is written and not there is told by unbind-volume, the other way it is lost.
    if (is_ours)
        bound.write(wish.config);
    try {
        (void)run_errand(
            machine,
            {.kind = ErrandKind::bind,
             .words = {source, wish.config, std::to_string(volume.base_uid), std::to_string(volume.base_gid)},
             .read_only = volume.read_only || call.read_only,
             .make = call.make},
            machines.places(), patience);
    } catch (...) {
        if (is_ours)
            bound.forget();
        throw;
    }
    if (!is_ours && !call.quiet)
        std::fprintf(stderr, "machinist: another manager keeps '%s': 'machinist unbind %s %s' takes the volume away\n",
                     machine.name().c_str(), machine.name().c_str(), escaped_for_people(wish.config).c_str());
}

void bind_to_virtual_machine(const Invocation& call, const Machine& machine, const VolumeWish& wish) {
    const Volume volume = acquire_volume(wish, call.ask_password);
    nlohmann::json parameters{{"fileDescriptorIndex", 0}, {"name", wish.name()}};
    if (!wish.config.empty())
        parameters["config"] = wish.config;
    ask_instance(machine, "AddStorage", parameters.dump(), volume.descriptor);
}

} // namespace

int bind_volume(const Invocation& call, const MachineStore& machines) {
    VolumeWish wish = parse_volume(call.words[1]);
    if (call.read_only)
        wish.read_only = true;
    Machine machine = machine_of(call, machines);
    if (machine.record.machine_class == "vm")
        bind_to_virtual_machine(call, machine, wish);
    else
        bind_to_container(call, machines, std::move(machine), std::move(wish));
    return 0;
}

int unbind_volume(const Invocation& call, const MachineStore& machines) {
    const std::string name = parse_volume(call.words[1]).name();
    if (name != call.words[1])
        throw Failure{FailureKind::invalid, "'" + escaped_for_people(call.words[1]) + "' is no PROVIDER:VOLUME"};
    const Machine machine = machine_of(call, machines);
    if (machine.record.machine_class == "vm") {
        ask_instance(machine, "RemoveStorage", nlohmann::json{{"name", name}}.dump());
        return 0;
    }
    const BoundVolume bound{machine, name};
    const auto path = machine.run_directory.empty() ? std::nullopt : bound.path();
    if (!path)
        throw Failure{FailureKind::not_found,
                      "machine '" + machine.name() + "' has no volume '" + escaped_for_people(name) + "'"};
    try {
        (void)run_errand(machine, {.kind = ErrandKind::unbind, .words = {*path}, .detach = call.force},
                         machines.places(), patience);
    } catch (const Failure& failure) {
        // Somebody else has taken it away.
        if (failure.kind() == FailureKind::not_found)
            bound.forget();
        throw;
    }
    bound.forget();
    return 0;
}

} // namespace machinist
