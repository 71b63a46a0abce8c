// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/errands.hpp"

#include "base/failure.hpp"
#include "kernel/sockets.hpp"
#include "registry/image_errand.hpp"
#include "registry/machine_store.hpp"

#include <fcntl.h>

namespace machinist {

namespace {

constexpr std::size_t most_at_once = 64;

} // namespace

Machine Errands::machine_of(const RegisteredMachine& machine) const {
    const MachineStore store{places_};
    auto found = machine.is_host ? std::nullopt : store.find(machine.record.name);
    if (found && found->leader.pid() == machine.leader.pid())
        return std::move(*found);
    Machine plain;
    plain.record = machine.record;
    plain.leader =
        Pidfd{UniqueFd{::fcntl(machine.leader.descriptor().get(), F_DUPFD_CLOEXEC, 3)}, machine.leader.pid()};
    return plain;
}

void Errands::refuse_too_many() const {
    if (running_.size() >= most_at_once)
        throw Failure{FailureKind::too_many, "Too many ongoing operations"};
}

std::uint64_t Errands::run(const RegisteredMachine& machine, const Errand& errand, const Until& until, OnDone done,
                           const Entry& entry) {
    refuse_too_many();
    if (machine.is_host || machine.record.machine_class != "container")
        throw Failure{FailureKind::not_supported, "machine '" + machine.name() + "' is no container"};
    return keep(machine.name(), RunningErrand{machine_of(machine), errand, places_, entry}, until, std::move(done));
}

std::uint64_t Errands::run(const ImageErrand& errand, const Until& until, OnDone done) {
    refuse_too_many();
    auto [ours, theirs] = make_message_socket_pair();
    return keep("", RunningErrand{prepare_image_errand(errand, std::move(theirs), places_), std::move(ours)}, until,
                std::move(done));
}

std::uint64_t Errands::run(const RegisteredMachine& machine, const std::string& program,
                           const std::vector<std::string>& words, const Until& until, OnDone done) {
    refuse_too_many();
    return keep(machine.name(), start_program_errand(program, words), until, std::move(done));
}

std::uint64_t Errands::keep(const std::string& machine, RunningErrand errand, const Until& until, OnDone done) {
    const std::uint64_t number = ++last_;
    auto running =
        std::make_unique<Running>(Running{.machine = machine, .errand = std::move(errand), .done = std::move(done)});
    running->answered = loop_.when_readable(running->errand.answer_socket(), [this, number] { finish(number); });
    if (until.patience)
        running->too_late = loop_.after(*until.patience, [this, number] {
            give_up(number, Failure{FailureKind::timed_out, "no answer in time"});
        });
    if (!until.caller.empty())
        running->caller_gone = bus_.when_gone(until.caller, [this, number] { caller_gone(number); });
    running_.emplace(number, std::move(running));
    return number;
}

void Errands::caller_gone(std::uint64_t number) {
    give_up(number, Failure{FailureKind::not_found, "the caller has left"});
}

void Errands::machine_gone(std::string_view name) {
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, running] : running_)
        if (running->machine == name)
            numbers.push_back(number);
    for (const std::uint64_t number : numbers)
        give_up(number, Failure{FailureKind::no_machine, "Machine '" + std::string{name} + "' has ended"});
}

std::unique_ptr<Errands::Running> Errands::take(std::uint64_t number) {
    auto node = running_.extract(number);
    return node.empty() ? nullptr : std::move(node.mapped());
}

void Errands::finish(std::uint64_t number) {
    const auto running = take(number);
    std::optional<Failure> failure;
    ErrandAnswer answer;
    try {
        answer = running->errand.finish();
    } catch (const Failure& caught) {
        failure = caught;
    }
    running->done(failure ? nullptr : &answer, failure ? &*failure : nullptr);
}

void Errands::give_up(std::uint64_t number, const Failure& why) {
    const auto running = take(number);
    if (running)
        running->done(nullptr, &why);
}

} // namespace machinist
