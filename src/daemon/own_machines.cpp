// SPDX-License-Identifier: LGPL-2.1-or-later
// Machines that users without rights over machines start on directories of their own.
#include "base/failure.hpp"
#include "base/machine_name.hpp"
#include "base/text.hpp"
#include "daemon/interfaces.hpp"
#include "daemon/known_images.hpp"
#include "daemon/object_paths.hpp"
#include "daemon/start_options.hpp"
#include "registry/service/jobs.hpp"

#include <algorithm>
#include <linux/magic.h>
#include <set>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr const char* start_own_action = "io.machinist.start-own-machine";

bool is_null_device(const struct stat& status) {
    return S_ISCHR(status.st_mode) && status.st_rdev == ::makedev(1, 3);
}

// Root reads and writes them: what acts by being read or written, as files of the kernel do, is none.
void check_stream(const UniqueFd& stream) {
    struct stat status {};
    struct statfs filesystem {};
    if (::fstat(stream.get(), &status) < 0 || ::fstatfs(stream.get(), &filesystem) < 0)
        throw system_failure("look at a stream");
    // Filesystems of the kernel's own have no blocks, but neither have files that are only in memory.
    const bool holds_data = S_ISREG(status.st_mode) && (filesystem.f_blocks > 0 || filesystem.f_type == TMPFS_MAGIC);
    if (!holds_data && !S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode) && !is_null_device(status) &&
        ::isatty(stream.get()) == 0)
        throw Failure{FailureKind::invalid, "a stream is neither a pipe, a socket, a terminal nor a plain file"};
}

bool has_output(const std::vector<SharedFd>& streams) {
    struct stat status {};
    return streams.size() > 1 && ::fstat(streams[1]->get(), &status) == 0 && !is_null_device(status);
}

// Whoever waited for a machine's end may start the next one, even if its supervisor has not quite ended.
bool is_on(const Job& job) {
    return job.state == JobState::running && !job.machine_has_ended;
}

// Those that run, and those that are about to.
std::size_t machines_of(const Service& service, const Jobs& jobs, uid_t user) {
    std::set<std::string_view> names;
    for (const auto& [name, machine] : service.registry.machines())
        if (machine->record.uid == user)
            names.insert(name);
    for (const auto& [id, job] : jobs.all())
        if (job->record.kind == JobKind::run && is_on(*job) && job->record.owner == user)
            names.insert(job->record.machine);
    return names.size();
}

void check_name(const Service& service, const Jobs& jobs, const std::string& name) {
    if (!MachineName::parse(name))
        throw Failure{FailureKind::invalid, "Invalid machine name"};
    const bool is_starting = std::ranges::any_of(jobs.all(), [&](const auto& entry) {
        const Job& job = *entry.second;
        return job.record.kind != JobKind::exec && is_on(job) && job.record.machine == name;
    });
    if (service.registry.find(name) != nullptr || is_starting)
        throw Failure{FailureKind::machine_exists, "Machine '" + name + "' already exists"};
    // The administrator's machine of that name could not start any more.
    if (service.images.find(name) != nullptr)
        throw Failure{FailureKind::machine_exists, "'" + name + "' is the name of an image of this host"}.try_instead(
            "another name");
}

void check_number(const Service& service, const Jobs& jobs, uid_t user, unsigned most) {
    if (machines_of(service, jobs, user) >= most)
        throw Failure{FailureKind::too_many, "user " + std::to_string(user) + " has " + std::to_string(most) +
                                                 " machines already, and may have no more at once"}
            .try_instead("to end one of them");
}

void start_own(Service& service, Jobs& jobs, unsigned most, const Call& call) {
    const auto name = call.take<std::string>();
    const auto directory = call.take<std::string>();
    const auto options = call.take<NamedValues>();
    const auto streams = call.take<std::vector<SharedFd>>();
    const uid_t user = call.caller().uid;
    if (streams.size() > 3)
        throw Failure{FailureKind::invalid, "Invalid number of streams"};
    if (user == 0)
        throw Failure{FailureKind::not_supported, "root starts machines with all rights"}.try_instead(
            "StartMachine, or machinist run");
    for (const SharedFd& stream : streams)
        check_stream(*stream);
    const OwnStart start{.machine = name, .directory = directory, .user = user, .has_streams = has_output(streams)};
    const std::vector<std::string> words = own_run_arguments(start, options);
    when_allowed(service, call,
                 {.action = start_own_action,
                  .verb = "start",
                  .machine = name,
                  .details = {{"directory", escaped_for_people(directory)}}},
                 [=, &service, &jobs] {
                     if (!service.is_provider)
                         throw Failure{FailureKind::not_supported,
                                       "another service keeps the list of machines, and knows of no owners"};
                     check_name(service, jobs, name);
                     check_number(service, jobs, user, most);
                     CallersStreams given;
                     for (std::size_t at = 0; at < streams.size(); ++at)
                         given[at] = *streams[at];
                     const Job& job = jobs.run(name, words, given, user);
                     call.reply(ObjectPath{path_of_job(job.record.id)});
                 });
}

} // namespace

void attach_own_machines(Interfaces& interfaces, Service& service, Jobs& jobs, unsigned most) {
    const auto came = [&jobs](const RegisteredMachine& machine) { jobs.machine_came(machine.name()); };
    service.registry.announce_to(
        {.added = came,
         .adopted = came,
         .removed = [&jobs](const RegisteredMachine& machine) { jobs.machine_went(machine.name()); },
         .state_changed = {}});
    interfaces.manager1.method("StartOwnMachine",
                               [&service, &jobs, most](const Call& call) { start_own(service, jobs, most, call); });
}

} // namespace machinist
