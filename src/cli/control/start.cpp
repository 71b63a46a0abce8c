// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts machines from images of the pool: by their units where systemd runs, else by itself.
#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/awaited_jobs.hpp"
#include "cli/control/host_units.hpp"
#include "cli/control/image_verbs.hpp"
#include "cli/control/launch.hpp"
#include "cli/control/own_machines.hpp"
#include "cli/control/settings_files.hpp"
#include "image/instances.hpp"
#include "image/pool.hpp"
#include "kernel/process.hpp"

#include <cstdio>
#include <unistd.h>

namespace machinist {

namespace {

bool has_systemd() {
    return ::access("/run/systemd/system", F_OK) == 0;
}

MachineName machine_name_of(const std::string& image) {
    const auto name = MachineName::parse(image);
    if (!name)
        throw Failure{FailureKind::invalid, "start '" + escaped_for_people(image) + "': it is no name for a machine"};
    return *name;
}

// By the service's own job, for which polkit lets more people than for units of any kind.
void start_by_job(ServiceClient& client, const std::string& machine) {
    AwaitedJobs jobs{client};
    std::string job;
    client.ask(
        {our_service, machine1_path, our_manager, "StartMachine"},
        [&](sd_bus_message* message) {
            wire::put(message, machine);
            wire::put(message, NamedValues{});
        },
        [&](const Answer& answer) { job = answer.take<ObjectPath>().text; });
    const JobEnd end = jobs.wait(job);
    if (end.state != "done")
        throw Failure{FailureKind::system, "start machine '" + machine + "': " +
                                               (end.message.empty() ? "its job ended as '" + end.state + "'"
                                                                    : escaped_for_people(end.message))};
}

class Starter {
public:
    Starter(const Invocation& call, const MachineStore& machines) : call_(call), machines_(machines) {
        if (call.is_remote() || has_systemd())
            client_ = ServiceClient::connect_if_there(call);
        if (client_)
            client_->let_person_be_asked();
    }

    void start(const std::string& image) {
        const MachineName name = machine_name_of(image);
        if (!call_.is_remote() && machines_.find(name))
            throw Failure{FailureKind::already_exists, "start machine '" + image + "': it runs already"};
        const std::string unit = unit_of_machine(call_, image);
        if (client_ && ::geteuid() != 0 && !call_.is_remote() && unit.starts_with("machinist@"))
            start_by_job(*client_, image);
        else if (client_)
            HostUnits{*client_}.start(unit);
        else if (!has_systemd())
            launch_machine(machines_, name);
        else if (run_program({"systemctl", "start", "--", unit}).status != 0)
            throw Failure{FailureKind::system, "start unit '" + unit + "': systemctl has said why"};
    }

private:
    const Invocation& call_;
    const MachineStore& machines_;
    std::unique_ptr<ServiceClient> client_;
};

// An image of the pool, or what settings of that name say where it lies.
std::string image_called(const Pool& pool, const std::string& word) {
    const auto image = pool.find(word);
    if (!image && parse_settings(settings_of_name(word)).settings.image)
        return word;
    return image ? image->name : pool.get(word).name;
}

std::vector<std::string> images_of(const Invocation& call) {
    std::vector<std::string> images;
    const Pool pool;
    for (const std::string& word : call.words) {
        (void)machine_name_of(word);
        // The pool of this host is root's.
        const bool visible = !call.is_remote() && ::geteuid() == 0;
        const std::string image = visible ? image_called(pool, word) : word;
        if (!call.instances) {
            images.push_back(image);
            continue;
        }
        if (!visible)
            throw Failure{FailureKind::not_permitted, "--instances=: only root of this host may"};
        for (std::string& instance : make_instances(pool, image, *call.instances))
            images.push_back(std::move(instance));
    }
    return images;
}

bool start_own(const Invocation& call, const std::string& word) {
    try {
        start_own_machine(call, word);
        return true;
    } catch (const Failure& failure) {
        std::fprintf(stderr, "machinist: %s\n", failure.what());
        return false;
    }
}

} // namespace

int start_machines(const Invocation& call, const MachineStore& machines) {
    if (call.of_user) {
        bool all_run = true;
        for (const std::string& word : call.words)
            all_run = start_own(call, word) && all_run;
        return all_run ? 0 : 1;
    }
    const std::vector<std::string> images = images_of(call);
    Starter starter{call, machines};
    bool all_run = true;
    for (const std::string& image : images) {
        try {
            starter.start(image);
        } catch (const Failure& failure) {
            std::fprintf(stderr, "machinist: %s\n", failure.what());
            all_run = false;
        }
    }
    return all_run ? 0 : 1;
}

} // namespace machinist
