// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/errands.hpp"

#include "base/failure.hpp"
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

void Errands::run(const RegisteredMachine& machine, const Errand& errand, std::optional<std::chrono::seconds> patience,
                  OnDone done, const Entry& entry) {
    if (running_.size() >= most_at_once)
        throw Failure{FailureKind::too_many, "Too many ongoing operations"};
    if (machine.is_host || machine.record.machine_class != "container")
        throw Failure{FailureKind::not_supported, "machine '" + machine.name() + "' is no container"};
    const std::uint64_t number = ++last_;
    auto running = std::make_unique<Running>(
        Running{.errand = RunningErrand{machine_of(machine), errand, places_, entry}, .done = std::move(done)});
    running->answered = loop_.when_readable(running->errand.answer_socket(), [this, number] { finish(number); });
    if (patience)
        running->too_late = loop_.after(*patience, [this, number] { give_up(number); });
    running_.emplace(number, std::move(running));
}

std::unique_ptr<Errands::Running> Errands::take(std::uint64_t number) {
    auto node = running_.extract(number);
    return std::move(node.mapped());
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

void Errands::give_up(std::uint64_t number) {
    const auto running = take(number);
    const Failure failure{FailureKind::timed_out, "the machine does not answer"};
    running->done(nullptr, &failure);
}

} // namespace machinist
