// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/plain_survey.hpp"

#include <arpa/inet.h>
#include <array>
#include <net/if.h>

namespace machinist {

namespace {

using Row = std::tuple<std::string, std::string, std::string, ObjectPath>;
using Address = std::tuple<std::int32_t, std::vector<std::uint8_t>>;
using Fields = std::map<std::string, std::string>;

// A bus lets one caller wait for so many answers only.
constexpr std::size_t most_at_once = 32;
constexpr std::chrono::seconds patience{30};

std::vector<std::string> texts_of(const std::vector<Address>& addresses) {
    std::vector<std::string> texts;
    for (const auto& [family, bytes] : addresses) {
        std::array<char, INET6_ADDRSTRLEN> text{};
        const std::size_t size = family == AF_INET ? 4 : 16;
        if (bytes.size() == size && ::inet_ntop(family, bytes.data(), text.data(), text.size()) != nullptr)
            texts.emplace_back(text.data());
    }
    return texts;
}

// Asks about many machines at a time. What is refused or not to be had is left empty.
class Questions {
public:
    explicit Questions(ServiceClient& client) : client_(client) {}

    void ask(const char* member, const std::string& machine, std::function<void(const Answer&)> take) {
        (void)client_.wait_until([&] { return open_ < most_at_once; }, deadline_);
        ++open_;
        slots_.push_back(client_.bus().call_while(
            of_manager(member), [&](sd_bus_message* message) { wire::put(message, machine); },
            [this, take = std::move(take)](const Answer& answer) {
                --open_;
                if (!answer.failed())
                    take(answer);
            },
            patience));
    }
    void finish() {
        (void)client_.wait_until([&] { return open_ == 0; }, deadline_);
    }
    void ask_about(const std::string& machine, const SurveyWish& wish, SurveyFinding& finding) {
        if (wish.system)
            ask("GetMachineOSRelease", machine, [&finding](const Answer& answer) {
                auto fields = answer.take<Fields>();
                finding.system = fields["ID"];
                finding.version = fields["VERSION_ID"];
                finding.title = fields["PRETTY_NAME"];
            });
        if (wish.addresses)
            ask("GetMachineAddresses", machine, [&finding](const Answer& answer) {
                finding.addresses = texts_of(answer.take<std::vector<Address>>());
            });
    }

private:
    ServiceClient& client_;
    std::vector<BusSlot> slots_; // what is late is not taken any more
    std::size_t open_ = 0;
    std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::now() + patience;
};

} // namespace

std::optional<std::vector<MachineRow>> survey_plainly(ServiceClient& client, const SurveyWish& wish) {
    std::vector<Row> listed;
    if (!client.ask_if_served(of_manager("ListMachines"), {},
                              [&](const Answer& answer) { listed = answer.take<std::vector<Row>>(); }))
        return std::nullopt;
    std::vector<MachineRow> rows;
    for (auto& [name, machine_class, service, object] : listed)
        rows.push_back({.name = std::move(name),
                        .machine_class = std::move(machine_class),
                        .service = std::move(service),
                        .found = {}});
    Questions questions{client};
    for (MachineRow& row : rows)
        questions.ask_about(row.name, wish, row.found);
    questions.finish();
    return rows;
}

SurveyFinding survey_plainly(ServiceClient& client, const std::string& machine) {
    SurveyFinding finding;
    Questions questions{client};
    questions.ask_about(machine, {}, finding);
    questions.finish();
    return finding;
}

} // namespace machinist
