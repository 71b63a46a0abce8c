// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/start.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"
#include "spec/spec_json.hpp"
#include "supervisor/first_process.hpp"
#include "supervisor/handover.hpp"
#include "supervisor/handshake.hpp"
#include "supervisor/journal_receiver.hpp"
#include "supervisor/machine_links.hpp"
#include "supervisor/parent_stages.hpp"
#include "supervisor/payload_stages.hpp"
#include "supervisor/stage.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

// They stay blocked over exec: what comes before the supervisor listens is not lost.
UniqueFd block_ending_signals() {
    sigset_t ending;
    ::sigemptyset(&ending);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGURG})
        ::sigaddset(&ending, signal);
    ::sigprocmask(SIG_BLOCK, &ending, nullptr);
    UniqueFd signals{::signalfd(-1, &ending, SFD_CLOEXEC)};
    if (!signals)
        throw system_failure("listen for signals");
    return signals;
}

void end_first_process(Start& start) {
    if (!start.leader)
        return;
    (void)start.leader.send_signal(SIGKILL);
    int status = 0;
    while (::waitpid(start.leader.pid(), &status, 0) < 0 && errno == EINTR)
        continue;
}

void tell_what_is_missing(const Start& start) {
    if (start.spec.quiet)
        return;
    for (const std::string& warning : start.warnings)
        std::fprintf(stderr, "machinist: warning: machine '%s' starts without it: %s\n", start.spec.name.text().c_str(),
                     warning.c_str());
}

// By the same program that undoes what a machine leaves at its end.
void undo(Start& start) {
    start.unit_request.reset();
    end_first_process(start);
    end_journal_receiver(start);
    return_to_the_hosts_mounts(start);
    undo_machine_links(start);
    start.kept.clear();
    start.run.release_lock();
    if (!start.run)
        return;
    const ProgramResult result = run_program({start.programs.supervisor.string(), "--undo", start.run.path().string()});
    if (result.status != 0)
        throw Failure{FailureKind::system, "undo what was made for the machine"}.try_instead("'machinist gc'");
}

[[noreturn]] void run_start(Start& start) {
    const UniqueFd signals = block_ending_signals();
    // What the payload leaves behind when it ends becomes ours to reap.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    try {
        doing("start machine '" + start.spec.name.text() + "'", [&] {
            try {
                prepare_machine(start);
            } catch (const Failure&) {
                // A payload that failed is gone, which is not why the machine did not start.
                if (auto cause = failure_left_behind(start.handshake))
                    throw std::move(*cause);
                throw;
            }
            wait_for_execution(start.handshake, signals);
            tell_what_is_missing(start);
            hand_over_to_supervisor(start);
        });
    } catch (const Failure& failure) {
        try {
            undo(start);
        } catch (const Failure& also) {
            Failure both = failure;
            both.try_instead(also.what());
            throw both;
        }
        throw;
    }
    std::terminate(); // hand_over_to_supervisor() has executed another program or thrown
}

} // namespace

void start_machine(MachineSpec spec, const Programs& programs, DiskKeys disk_keys) {
    Start start;
    start.disk_keys = std::move(disk_keys);
    start.spec = std::move(spec);
    start.programs = programs;
    start.listen_fds = take_listen_fds();
    run_start(start);
}

void start_machine_again(int orders_descriptor, const Programs& programs) {
    Start start = take_back_from_supervisor(orders_descriptor);
    start.programs = programs;
    run_start(start);
}

std::vector<std::string> stage_names() {
    std::vector<std::string> names;
    for (const std::string& name : parent_stage_names())
        names.push_back("parent " + name);
    for (const std::string& name : payload_stage_names())
        names.push_back("child " + name);
    return names;
}

} // namespace machinist
