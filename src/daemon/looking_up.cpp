// SPDX-License-Identifier: LGPL-2.1-or-later
// Members that find machines: by name, by process, all of them.
#include "base/failure.hpp"
#include "bus/text_rows.hpp"
#include "daemon/interfaces.hpp"
#include "daemon/object_paths.hpp"

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace machinist {

namespace {

// What ListMachines answers, kept until a machine comes or goes.
class Listing {
public:
    explicit Listing(const MachineRegistry& registry) : registry_(registry) {}

    void answer(const Call& call) {
        if (!rows_ || generation_ != registry_.generation())
            make();
        if (!rows_->answer(call))
            call.reply(machines());
    }

private:
    using Row = std::tuple<std::string, std::string, std::string, ObjectPath>;

    [[nodiscard]] std::vector<Row> machines() const {
        std::vector<Row> all{row_of(registry_.get(".host"))};
        for (const auto& [name, machine] : registry_.machines())
            all.push_back(row_of(*machine));
        return all;
    }
    static Row row_of(const RegisteredMachine& machine) {
        return {machine.name(), machine.record.machine_class, machine.record.service,
                ObjectPath{path_of_machine(machine.name())}};
    }
    void make() {
        rows_.emplace("ssso");
        for (const auto& [name, machine_class, provider, path] : machines())
            rows_->add({name, machine_class, provider, path.text});
        generation_ = registry_.generation();
    }

    const MachineRegistry& registry_;
    std::optional<TextRows> rows_;
    std::uint64_t generation_ = 0;
};

} // namespace

void attach_looking_up(Interfaces& interfaces, Service& service) {
    interfaces.manager.method("GetMachine", [&service](const Call& call) {
        call.reply(ObjectPath{path_of_machine(service.registry.get(call.take<std::string>()).name())});
    });
    interfaces.manager.method("GetMachineByPID", [&service](const Call& call) {
        const auto number = call.take<std::uint32_t>();
        if (number > static_cast<std::uint32_t>(std::numeric_limits<pid_t>::max()))
            throw Failure{FailureKind::invalid, "Invalid PID " + std::to_string(number)};
        const pid_t process = number == 0 ? call.caller().pid : static_cast<pid_t>(number);
        call.reply(ObjectPath{path_of_machine(service.registry.of_process(process).name())});
    });
    interfaces.manager.method("ListMachines", [listing = std::make_shared<Listing>(service.registry)](
                                                  const Call& call) { listing->answer(call); });
}

} // namespace machinist
