// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/composition.hpp"

#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "bus/log.hpp"
#include "bus/systemd_units.hpp"
#include "daemon/announcements.hpp"
#include "daemon/boot_watch.hpp"
#include "daemon/bus_names.hpp"
#include "daemon/idle_exit.hpp"
#include "daemon/interfaces.hpp"
#include "daemon/known_images.hpp"
#include "daemon/name_hook.hpp"
#include "daemon/own_verbs.hpp"
#include "daemon/polkit_authority.hpp"
#include "daemon/sessions.hpp"
#include "daemon/transfers.hpp"
#include "daemon/varlink_service.hpp"
#include "daemon/varlink_socket.hpp"
#include "registry/service/jobs.hpp"

#include <csignal>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

namespace machinist {

namespace {

Places places_of(const DaemonOptions& options) {
    Places places;
    places.state_files = options.state_directory;
    places.run_directories = options.run_directories;
    places.enter_program = own_program("machinist-enter");
    places.image_program = own_program("machinist-image");
    return places;
}

} // namespace

int run_daemon(const DaemonOptions& options) {
    EventLoop loop;
    const EventSource term = loop.on_signal(SIGTERM, [&] { loop.exit(0); });
    const EventSource interrupt = loop.on_signal(SIGINT, [&] { loop.exit(0); });
    (void)sd_event_set_watchdog(loop.raw(), 1);

    Connection bus{loop};
    SystemdUnits units{bus};
    MachineRegistry registry{loop, units, StateDirectory{options.own_state_directory, options.quarantine}};
    PolkitAuthority authority{bus};
    Errands errands{loop, bus, places_of(options)};
    KnownImages images{loop, bus.raw()};
    Service service{
        .loop = loop, .bus = bus, .registry = registry, .authority = authority, .errands = errands, .images = images};
    Sessions sessions{service};
    Interfaces interfaces;
    attach_looking_up(interfaces, service);
    attach_registering(interfaces, service);
    attach_ending(interfaces, service);
    attach_properties(interfaces, service);
    attach_files(interfaces, service);
    attach_ports(interfaces, service);
    attach_devices(interfaces, service);
    attach_facts(interfaces, service);
    attach_images(interfaces, service);
    attach_survey(interfaces, service);
    attach_log_control(interfaces);
    attach_terminals(interfaces, service, sessions);
    Jobs jobs{loop, units, options.jobs};
    attach_jobs(interfaces, service, jobs);
    attach_own_machines(interfaces, service, jobs, options.machines_per_user);
    Transfers transfers{service, jobs};
    BootWatch boot{service};
    attach_boot(interfaces, service, boot);
    OwnVerbs own_verbs{service};
    attach_own_verbs(interfaces, service, own_verbs);
    announce_machines(service, boot);
    VarlinkService varlink{service};
    attach_varlink_basics(varlink, service);
    attach_varlink_machines(varlink, service, sessions);
    attach_varlink_machine_list(varlink, service);
    attach_varlink_images(varlink, service);
    attach_varlink_users(varlink, service);
    NameHook names_of_machines{varlink, service};

    serve(interfaces, service);
    transfers.serve();
    const StateDirectory provided{options.state_directory, options.quarantine};
    // Calls that come from here on are answered by the loop, when all machines are known.
    VarlinkSockets sockets{varlink};
    BusNames names{service, [&](bool is_provider) {
                       if (is_provider)
                           registry.move_state_to(provided);
                       sockets.provide(is_provider);
                   }};
    if (service.is_provider)
        registry.move_state_to(provided);
    else
        registry.adopt();
    jobs.adopt();
    sockets.provide(service.is_provider);
    // Who waits for names of machines to come finds the next service, as it found this one.
    const auto has_work = [&] {
        return jobs.is_working() || varlink.server().connections() > names_of_machines.listeners();
    };
    IdleExit idle{service, options.idle, has_work, [&] {
                      sockets.provide(false);
                      names.release();
                  }};
    (void)sd_notify(0, "READY=1");
    const int status = loop.run();
    (void)sd_notify(0, "STOPPING=1");
    return status;
}

} // namespace machinist
