// SPDX-License-Identifier: LGPL-2.1-or-later
// Every interface that the daemon serves, and where handlers are attached to them.
#pragma once

#include "bus/served_interface.hpp"
#include "daemon/service.hpp"

#include <functional>
#include <string>

namespace machinist {

struct Interfaces {
    Interfaces();

    ServedInterface manager;  // org.freedesktop.machine1.Manager
    ServedInterface machine;  // org.freedesktop.machine1.Machine
    ServedInterface image;    // org.freedesktop.machine1.Image
    ServedInterface manager1; // io.machinist.Manager1
    ServedInterface machine1; // io.machinist.Machine1
    ServedInterface job1;     // io.machinist.Job1
    ServedInterface log_control;
    ServedInterface::Exists job_exists;
};

class BootWatch;
class Jobs;
class OwnVerbs;
class Sessions;

using MachineHandler = std::function<void(const Call& call, const std::string& machine)>;

// A verb on a machine, once for both forms: Manager.IN_MANAGER(name, ...) and Machine.IN_MACHINE(...). The handler
// finds the name read and takes the arguments behind it.
void attach_verb(Interfaces& interfaces, Service& service, const char* in_manager, const char* in_machine,
                 MachineHandler handler);
// The same on an interface of ours that only objects of machines have.
void attach_machine_verb(ServedInterface& interface, Service& service, const char* member, MachineHandler handler);

// False also for one that is not there. Who registered a machine with the host's users could become any of them in it.
bool has_own_users(const Service& service, const std::string& machine);

// The machine of an object's path; ".../self" is that of who asks. Throws Failure(no_machine).
const RegisteredMachine& machine_at(const Service& service, std::string_view path);

// One function a family of members; each file says which.
void attach_looking_up(Interfaces& interfaces, Service& service);
void attach_registering(Interfaces& interfaces, Service& service);
void attach_ending(Interfaces& interfaces, Service& service);
void attach_properties(Interfaces& interfaces, Service& service);
void attach_files(Interfaces& interfaces, Service& service);
void attach_facts(Interfaces& interfaces, Service& service);
void attach_images(Interfaces& interfaces, Service& service);
void attach_terminals(Interfaces& interfaces, Service& service, Sessions& sessions);
void attach_log_control(Interfaces& interfaces);
void attach_jobs(Interfaces& interfaces, Service& service, Jobs& jobs);
void attach_survey(Interfaces& interfaces, Service& service);
void attach_ports(Interfaces& interfaces, Service& service);
void attach_devices(Interfaces& interfaces, Service& service);
void attach_boot(Interfaces& interfaces, Service& service, BootWatch& boot);
// most: that one user may have at once.
void attach_own_machines(Interfaces& interfaces, Service& service, Jobs& jobs, unsigned most);
void attach_own_verbs(Interfaces& interfaces, Service& service, OwnVerbs& verbs);

void serve(Interfaces& interfaces, Service& service);

} // namespace machinist
