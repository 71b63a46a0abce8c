// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/service/jobs.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "bus/log.hpp"
#include "kernel/files.hpp"
#include "kernel/process_status.hpp"
#include "registry/recorded_leader.hpp"
#include "registry/run_directory_view.hpp"
#include "registry/service/job_process.hpp"
#include "registry/service/launcher_process.hpp"
#include "registry/service/own_process.hpp"

#include <algorithm>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::size_t most_running = 256;
constexpr std::size_t most_kept = 1024;
constexpr std::chrono::minutes kept_for{10};
constexpr std::chrono::seconds grace{5};               // between asking a canceled command to end and its end
constexpr std::chrono::seconds grace_of_transfers{30}; // what they have made so far is removed meanwhile
constexpr std::chrono::seconds grace_of_machines{90};
constexpr std::size_t most_transfers = 64;
constexpr std::chrono::milliseconds between_looks{250};
constexpr const char* result_suffix = ".result";
constexpr const char* progress_suffix = ".progress";
constexpr const char* log_suffix = ".log";

std::uint64_t now() {
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_nsec) / 1000;
}

JobResult failed(std::string why) {
    constexpr int status_of_failure = 125;
    return {.status = status_of_failure, .failure = std::move(why)};
}

} // namespace

std::filesystem::path Jobs::record_file(std::uint32_t id) const {
    return directory_ / std::to_string(id);
}

std::filesystem::path Jobs::file_of(std::uint32_t id, const char* suffix) const {
    return directory_ / (std::to_string(id) + suffix);
}

std::filesystem::path Jobs::result_file(std::uint32_t id) const {
    return file_of(id, result_suffix);
}

template <typename... Arguments>
void Jobs::announce(std::function<void(Arguments...)> JobEvents::*event,
                    const std::type_identity_t<Arguments>&... arguments) const {
    for (const JobEvents& events : events_)
        if (events.*event)
            (events.*event)(arguments...);
}

Job& Jobs::add(JobRecord record) {
    std::size_t running = 0;
    for (const auto& [id, job] : jobs_)
        running += job->state == JobState::running ? 1 : 0;
    if (running >= most_running || jobs_.size() >= most_kept)
        throw Failure{FailureKind::too_many, "Too many jobs"};
    make_directories(directory_, 0700);
    record.id = ++last_;
    record.begun = now();
    auto job = std::make_unique<Job>();
    job->record = std::move(record);
    return *jobs_.emplace(job->record.id, std::move(job)).first->second;
}

void Jobs::write(const Job& job) const {
    write_atomically(record_file(job.record.id), write_job_record(job.record), 0600);
}

void Jobs::begin(Job& job, int end_signal, const std::function<Pidfd()>& start) {
    try {
        job.process = start();
        job.record.process = job.process.pid();
        job.record.process_inode = job.process.inode();
        job.record.process_start = start_time_of(job.process.pid()).value_or(0);
        write(job);
    } catch (const Failure&) {
        if (job.process)
            job.process.send_signal(end_signal);
        remove(job.record.id);
        throw;
    }
    watch(job);
    announce(&JobEvents::added, job);
}

const Job& Jobs::execute(const Machine& machine, const Entry& entry, const CallersStreams& streams, std::uint32_t owner,
                         const Places& places) {
    Job& job = add({.kind = JobKind::exec,
                    .machine = machine.name(),
                    .owner = owner,
                    .description = escaped_for_people(joined(entry.command, " ").substr(0, 200))});
    begin(job, SIGKILL, [&] { return start_job_process(machine, entry, streams, result_file(job.record.id), places); });
    return job;
}

const Job& Jobs::start(const std::string& machine, const std::string& unit,
                       const std::optional<std::vector<std::string>>& command, std::uint32_t owner) {
    Job& job =
        add({.kind = JobKind::start, .machine = machine, .owner = owner, .description = "start " + unit, .unit = unit});
    const std::uint32_t id = job.record.id;
    write(job);
    announce(&JobEvents::added, job);
    const auto done = [this, id](const Failure* failure) { unit_started(id, failure); };
    if (command)
        units_.start_service({.name = unit, .description = "Machine " + machine, .command = *command}, done);
    else
        units_.start_unit(unit, done);
    return job;
}

const Job& Jobs::transfer(JobRecord record, const std::vector<std::string>& arguments, BorrowedFd file) {
    const auto is_transfer = [](const auto& entry) {
        return entry.second->record.kind == JobKind::transfer && entry.second->state == JobState::running;
    };
    if (static_cast<std::size_t>(std::ranges::count_if(jobs_, is_transfer)) >= most_transfers)
        throw Failure{FailureKind::too_many, "Too many transfers"};
    record.kind = JobKind::transfer;
    Job& job = add(std::move(record));
    std::vector<std::string> words{"--job=" + record_file(job.record.id).string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    begin(job, SIGTERM, [&] { return start_own_process("machinist-transfer", words, {.file = file}); });
    follow_transfers();
    return job;
}

const Job& Jobs::run(const std::string& machine, const std::vector<std::string>& arguments,
                     const CallersStreams& streams, std::uint32_t owner) {
    Job& job = add({.kind = JobKind::run, .machine = machine, .owner = owner, .description = "run " + machine});
    begin(job, SIGTERM, [&] { return start_launcher(arguments, streams); });
    return job;
}

// Files tell a daemon that is started anew what pipes would not.
void Jobs::follow_transfers() {
    bool any = false;
    for (const auto& [id, job] : jobs_)
        if (job->record.kind == JobKind::transfer && job->state == JobState::running) {
            any = true;
            look_at_transfer(*job);
        }
    if (any)
        follow_ = loop_.after(between_looks, [this] { follow_transfers(); });
}

void Jobs::look_at_transfer(Job& job) {
    const auto id = job.record.id;
    if (const auto text = read_file_if_exists(file_of(id, progress_suffix)))
        if (const auto progress = parse_transfer_progress(*text); progress && *progress != job.progress) {
            job.progress = *progress;
            announce(&JobEvents::progressed, job);
        }
    const std::string log = read_file_if_exists(file_of(id, log_suffix)).value_or("");
    while (job.log_offset < log.size()) {
        const auto end = log.find('\n', job.log_offset);
        if (end == std::string::npos)
            break;
        const std::string line = log.substr(job.log_offset, end - job.log_offset);
        job.log_offset = end + 1;
        const auto blank = line.find(' ');
        constexpr unsigned information = 6;
        announce(&JobEvents::said, job, parse_integer<unsigned>(line.substr(0, blank)).value_or(information),
                 blank == std::string::npos ? line : line.substr(blank + 1));
    }
}

void Jobs::note_machine(std::string_view machine, bool has_ended) {
    for (const auto& [id, job] : jobs_)
        if (job->record.kind == JobKind::run && job->record.machine == machine)
            job->machine_has_ended = has_ended;
}

void Jobs::machine_came(std::string_view machine) {
    note_machine(machine, false);
}

void Jobs::machine_went(std::string_view machine) {
    note_machine(machine, true);
}

bool Jobs::is_working() const {
    return std::ranges::any_of(jobs_, [](const auto& entry) { return entry.second->state == JobState::running; });
}

void Jobs::watch(Job& job) {
    const std::uint32_t id = job.record.id;
    job.process_end = loop_.when_ended(job.process.descriptor(), [this, id] { process_ended(id); });
}

void Jobs::process_ended(std::uint32_t id) {
    Job& job = find(id);
    if (job.record.kind == JobKind::transfer)
        look_at_transfer(job);
    // Not our child if another daemon began it.
    siginfo_t end{};
    const bool known =
        ::waitid(P_PIDFD, static_cast<id_t>(job.process.descriptor().get()), &end, WEXITED | WNOHANG) == 0 &&
        end.si_pid != 0;
    std::optional<JobResult> result;
    // A machine's supervisor ends as the machine did, and has said why on its caller's errors.
    if (job.record.kind == JobKind::run && known)
        result = JobResult{.status = end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status, .failure = {}};
    if (const auto text = read_file_if_exists(result_file(id)))
        result = parse_job_result(*text);
    finish(job, result ? std::move(*result) : failed("the process that did it ended without a word"));
}

void Jobs::unit_started(std::uint32_t id, const Failure* failure) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end() || found->second->state != JobState::running)
        return;
    JobResult result = failure == nullptr ? JobResult{} : failed(failure->what());
    try {
        write_atomically(result_file(id), write_job_result(result), 0600);
    } catch (const Failure& unwritten) {
        log_warning(unwritten.what());
    }
    finish(*found->second, std::move(result));
}

void Jobs::finish(Job& job, JobResult result) {
    job.result = std::move(result);
    job.finished = now();
    job.patience = {};
    job.process_end = {};
    const bool well = job.result.failure.empty();
    job.state = job.record.canceled ? JobState::canceled : well ? JobState::done : JobState::failed;
    keep_for_a_while(job.record.id);
    announce(&JobEvents::finished, job);
}

void Jobs::keep_for_a_while(std::uint32_t id) {
    kept_[id] = loop_.after(kept_for, [this, id] { remove(id); });
}

void Jobs::remove(std::uint32_t id) {
    const auto node = jobs_.extract(id);
    (void)::unlink(record_file(id).c_str());
    for (const char* suffix : {result_suffix, progress_suffix, log_suffix})
        (void)::unlink(file_of(id, suffix).c_str());
    kept_.erase(id);
    if (!node.empty() && node.mapped()->state != JobState::running)
        announce(&JobEvents::removed, *node.mapped());
}

void Jobs::cancel(std::uint32_t id) {
    Job& job = find(id);
    if (job.state != JobState::running)
        throw Failure{FailureKind::invalid, "job " + std::to_string(id) + " has ended already"};
    job.record.canceled = true;
    write(job);
    if (job.record.kind == JobKind::start) {
        units_.stop_unit(job.record.unit, [this, id](const Failure*) {
            const Failure canceled{FailureKind::busy, "canceled"};
            unit_started(id, &canceled);
        });
        return;
    }
    // machinist-enter hands it on to the command.
    job.process.send_signal(SIGTERM);
    const JobKind kind = job.record.kind;
    const auto patience = kind == JobKind::run        ? grace_of_machines
                          : kind == JobKind::transfer ? grace_of_transfers
                                                      : grace;
    // Asked a second time, a supervisor ends its machine at once; killed, it would leave it.
    job.patience = loop_.after(patience, [this, id, last = kind == JobKind::run ? SIGTERM : SIGKILL] {
        if (const auto found = jobs_.find(id); found != jobs_.end())
            found->second->process.send_signal(last);
    });
}

void Jobs::adopt() {
    for (const std::string& name : names_in(directory_)) {
        const auto id = parse_integer<std::uint32_t>(name);
        if (!id)
            continue;
        last_ = std::max(last_, *id);
        auto record = parse_job_record(read_file_if_exists(directory_ / name).value_or(""));
        if (!record || record->id != *id) {
            log_warning("the file of job " + name + " cannot be read and is removed");
            remove(*id);
            continue;
        }
        auto& job = *jobs_.emplace(*id, std::make_unique<Job>()).first->second;
        job.record = std::move(*record);
        if (auto result = parse_job_result(read_file_if_exists(result_file(*id)).value_or(""))) {
            finish(job, std::move(*result));
            continue;
        }
        if (job.record.kind == JobKind::start) {
            // The unit job went on without us; how it ended the unit tells by now, or soon.
            units_.await_start(job.record.unit,
                               [this, at = *id](const Failure* failure) { unit_started(at, failure); });
            continue;
        }
        auto held = hold_leader(RecordedLeader{.pid = job.record.process,
                                               .pidfd_inode = job.record.process_inode,
                                               .start_time = job.record.process_start});
        if (!held) {
            finish(job, failed("the process that did it ended without a word"));
            continue;
        }
        job.process = std::move(*held);
        watch(job);
        if (job.record.kind == JobKind::transfer)
            follow_transfers();
    }
}

Job& Jobs::find(std::uint32_t id) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end())
        throw Failure{FailureKind::not_found, "No job " + std::to_string(id) + " known"};
    return *found->second;
}

const Job& Jobs::get(std::uint32_t id) const {
    const auto found = jobs_.find(id);
    if (found == jobs_.end())
        throw Failure{FailureKind::not_found, "No job " + std::to_string(id) + " known"};
    return *found->second;
}

} // namespace machinist
