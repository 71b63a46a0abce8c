// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/run.hpp"

#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "cdi/cdi_search.hpp"
#include "cli/passphrases.hpp"
#include "cli/run_bundle.hpp"
#include "cli/run_facts.hpp"
#include "image/host_facts_reader.hpp"
#include "image/host_users.hpp"
#include "image/owned_tree.hpp"
#include "kernel/process.hpp"
#include "machinist_config.h"
#include "spec/command_line.hpp"
#include "spec/help_text.hpp"
#include "spec/mount_plan.hpp"
#include "spec/resolve.hpp"
#include "spec/run_directory.hpp"
#include "spec/spec_json.hpp"
#include "spec/spec_text.hpp"
#include "supervisor/start.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sys/random.h>
#include <unistd.h>

namespace machinist {

namespace {

const char* name_of_program(Manner manner) {
    return manner == Manner::nspawn ? "systemd-nspawn" : "machinist";
}

Programs our_programs() {
    return {.launcher = own_path(),
            .supervisor = own_program("machinist-supervisor"),
            .unit = own_program("machinist-unit"),
            .network = own_program("machinist-network"),
            .gateway = own_program("machinist-gateway")};
}

void print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    if (!text.ends_with('\n'))
        std::fputc('\n', stdout);
}

void complain(const Problems& problems, Manner manner, const char* kind) {
    for (const Problem& problem : problems)
        std::fprintf(stderr, "%s: %s%s\n", name_of_program(manner), kind, text_of(problem).c_str());
}

// Nothing if it was no such request.
std::optional<int> answer_without_a_start(const StartRequest& request) {
    if (request.help)
        print(help_text(request.manner));
    else if (request.version)
        print(version_text(request.manner));
    else if (request.introspect)
        print(introspection_text(request.manner));
    else if (request.listing)
        print(*request.listing);
    else
        return std::nullopt;
    return 0;
}

Chance draw_chance() {
    Chance chance;
    if (::getrandom(&chance.name_suffix, sizeof chance.name_suffix, 0) != sizeof chance.name_suffix)
        throw system_failure("get random bytes for a name");
    chance.id = MachineId::random();
    return chance;
}

void print_decisions(const StartRequest& request, const MachineSpec& spec) {
    const MountPlan plan = plan_mounts(spec);
    if (request.json)
        return print(dry_run_json(spec, plan));
    std::string text = text_of(spec) + "mounts:\n";
    for (const MountStep& step : plan)
        text += "  " + describe(step) + "\n";
    print(text);
}

// --cleanup: what is left of a machine whose supervisor was killed.
int clean_up(const StartRequest& request, const Path& image, const HostFacts& host, const Programs& programs) {
    const auto name = base_name_of(request, image, host);
    if (!name)
        throw Failure{FailureKind::invalid, "clean up: no name of a machine can be made of '" + image.string() + "'"};
    const std::string directory = run_directory::path(name->text());
    if (::access(directory.c_str(), F_OK) < 0)
        return 0;
    return run_program({programs.supervisor.string(), "--undo", directory}).status;
}

SettingsFile settings_of(Bundle& bundle) {
    return {std::move(bundle.settings), std::move(bundle.problems), std::move(bundle.warnings), {}};
}

// Who may not start machines is started one by the service, on a directory of their own.
[[noreturn]] void leave_to_service(Manner manner, std::span<char*> arguments) {
    std::string name = name_of_program(manner);
    std::string verb = "run";
    std::vector<char*> words{name.data()};
    if (manner == Manner::machinist)
        words.push_back(verb.data());
    words.insert(words.end(), arguments.begin(), arguments.end());
    words.push_back(nullptr);
    const std::string control = own_program("machinist-control").string();
    ::execv(control.c_str(), words.data());
    throw system_failure("execute '" + control + "'").try_instead("installing all of machinist, or sudo");
}

bool is_for_service(const StartRequest& request) {
    if (request.of_user && ::geteuid() == 0)
        throw Failure{FailureKind::not_supported, "--user: root starts machines for the whole host"}.try_instead(
            "leaving it out");
    return ::geteuid() != 0 && !request.dry_run && !request.cleanup;
}

int resolve_and_start(const CommandLine& line) {
    const StartRequest request =
        line.request.bundle ? request_for_bundle(line.request) : request_for_name(line.request);
    const Programs programs = our_programs();
    HostFacts host = read_host_facts();
    if (const auto& users = request.settings.users; users && users->owner)
        host.group_of_owner = plain_user(*users->owner).gid;
    std::optional<Bundle> bundle;
    if (request.bundle && !request.cleanup)
        bundle = load_bundle(request, host);
    const Path image = request.cleanup && request.machine ? Path{"/" + request.machine->text()}
                       : bundle                           ? bundle->root
                                                          : find_image(request, host);
    if (request.cleanup)
        return clean_up(request, image, host, programs);

    const SettingsFile file = bundle ? settings_of(*bundle) : read_settings_for(request, image, host);
    if (!request.quiet)
        complain(file.warnings, request.manner, "warning: ");
    const Settings settings = merge_settings(request, file.settings);
    const LoadedCredentials credentials = load_credentials(settings, host);
    DiskKeys keys{passphrases(settings, credentials, host, request.ask_password)};
    const ImageFacts facts = image_facts_for(request, settings, image, host, keys);
    // Which directory of the host's journal is the machine's own is known once its id is.
    if (facts.machine_id)
        host.journal_directory_of_machine =
            std::filesystem::is_directory("/var/log/journal/" + facts.machine_id->plain());
    if (settings.bound_users)
        host.users = read_host_users(settings.bound_users->users);
    CdiPart cdi = find_cdi_devices(cdi_names(settings));
    host.cdi = std::move(cdi.edits);
    if (!request.quiet)
        complain(cdi.warnings, request.manner, "warning: ");
    auto resolved = resolve(request, settings, facts, host, draw_chance(), credentials);
    // All that is wrong at once, wherever it was written.
    Problems problems = line.problems;
    problems.insert(problems.end(), file.problems.begin(), file.problems.end());
    problems.insert(problems.end(), cdi.problems.begin(), cdi.problems.end());
    const auto* found = std::get_if<Problems>(&resolved);
    const Problems more = found ? *found : missing_sources(std::get<Resolved>(resolved).spec);
    problems.insert(problems.end(), more.begin(), more.end());
    if (!problems.empty()) {
        complain(problems, request.manner, "");
        return exit_status_for(problems, request.manner);
    }
    auto& [spec, warnings] = std::get<Resolved>(resolved);
    if (!spec.quiet)
        complain(warnings, request.manner, "warning: ");
    if (request.dry_run) {
        print_decisions(request, spec);
        return 0;
    }
    start_machine(std::move(spec), programs, std::move(keys));
}

} // namespace

int run(Manner manner, std::span<char*> arguments) {
#if MACHINIST_FAULT_HOOKS
    if (arguments.size() == 1 && std::strcmp(arguments[0], "--list-stages") == 0) {
        for (const std::string& name : stage_names())
            print(name);
        return 0;
    }
#endif
    const CommandLine line = parse_command_line(manner, arguments);
    if (!line.request.quiet)
        complain(line.warnings, manner, "warning: ");
    const bool has_a_meaning =
        std::ranges::none_of(line.problems, [](const Problem& problem) { return problem.kind == FailureKind::usage; });
    if (!has_a_meaning) {
        complain(line.problems, manner, "");
        return exit_status_for(line.problems, manner);
    }
    if (const auto status = answer_without_a_start(line.request))
        return *status;
    try {
        if (is_for_service(line.request)) {
            if (!line.problems.empty()) {
                complain(line.problems, manner, "");
                return exit_status_for(line.problems, manner);
            }
            leave_to_service(manner, arguments);
        }
        return resolve_and_start(line);
    } catch (const Failure& failure) {
        std::fprintf(stderr, "%s: %s\n", name_of_program(manner), failure.what());
        return manner == Manner::nspawn ? 1 : exit_status_for(failure);
    }
}

int start_again(const char* orders) {
    start_machine_again(std::atoi(orders), our_programs());
}

} // namespace machinist
