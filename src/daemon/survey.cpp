// SPDX-License-Identifier: LGPL-2.1-or-later
// The one call that tells what runs in all machines, and where they are reached.
#include "registry/survey.hpp"

#include "base/failure.hpp"
#include "daemon/interfaces.hpp"
#include "daemon/object_paths.hpp"
#include "image/os_release.hpp"
#include "kernel/addresses.hpp"
#include "kernel/files.hpp"
#include "registry/running_survey.hpp"

#include <algorithm>
#include <memory>
#include <set>

namespace machinist {

namespace {

constexpr std::size_t most_at_once = 16;
// Hostile machines cost the others' list so much at most.
constexpr std::chrono::milliseconds patience{5000};

struct Row {
    std::string name;
    std::string machine_class;
    std::string service;
    pid_t leader = 0;
    bool may_know_system = false;
    SurveyFinding finding = {};
};

void write_row(sd_bus_message* answer, const Row& row) {
    wire::put(answer, std::tuple{row.name, row.machine_class, row.service, ObjectPath{path_of_machine(row.name)},
                                 row.finding.system, row.finding.version, row.finding.title, row.finding.addresses});
}

void reply_rows(const Call& call, const std::vector<Row>& rows) {
    call.reply_with([&](sd_bus_message* answer) {
        wire::written(sd_bus_message_open_container(answer, 'a', "(sssosssas)"));
        for (const Row& row : rows)
            write_row(answer, row);
        wire::written(sd_bus_message_close_container(answer));
    });
}

SurveyFinding look_at_host(const SurveyWish& wish, bool may_know_system) {
    SurveyFinding finding;
    if (wish.addresses)
        finding.addresses = read_addresses();
    if (!wish.system || !may_know_system)
        return finding;
    auto text = read_file_if_exists("/etc/os-release");
    if (!text)
        text = read_file_if_exists("/usr/lib/os-release");
    auto fields = parse_os_release(text.value_or("")).value_or(std::map<std::string, std::string>{});
    finding.system = fields["ID"];
    finding.version = fields["VERSION_ID"];
    finding.title = fields["PRETTY_NAME"];
    return finding;
}

class Surveys {
public:
    explicit Surveys(Service& service) : service_(service) {}

    void begin(const Call& call, const std::vector<std::string>& names, const SurveyWish& wish, bool may_know_all) {
        std::vector<Row> rows = rows_of(names, may_know_all ? std::nullopt : std::optional{call.caller().uid});
        std::vector<SurveyTarget> targets;
        bool system = false;
        for (Row& row : rows) {
            const RegisteredMachine& machine = service_.registry.get(row.name);
            if (machine.is_host) {
                row.finding = look_at_host(wish, row.may_know_system);
            } else if (machine.record.machine_class == "container") {
                targets.push_back({.leader = machine.leader.pid(), .pidfd_inode = machine.leader.inode()});
                system = system || row.may_know_system;
            }
        }
        const SurveyWish granted{.system = wish.system && system, .addresses = wish.addresses};
        if (targets.empty() || (!granted.system && !granted.addresses)) {
            reply_rows(call, rows);
            return;
        }
        if (running_.size() >= most_at_once)
            throw Failure{FailureKind::too_many, "Too many ongoing operations"};
        const std::uint64_t number = ++last_;
        auto running = std::make_unique<Running>(
            Running{.survey = RunningSurvey{targets, granted}, .call = call, .rows = std::move(rows)});
        running->readable = service_.loop.when_readable(running->survey.socket(), [this, number] { take(number); });
        running->too_late = service_.loop.after(patience, [this, number] { finish(number); });
        running_.emplace(number, std::move(running));
    }

private:
    struct Running {
        RunningSurvey survey;
        Call call;
        std::vector<Row> rows;
        EventSource readable = {};
        EventSource too_late = {};
    };

    // asker: a user who may know of their own machines only.
    [[nodiscard]] std::vector<Row> rows_of(const std::vector<std::string>& names, std::optional<uid_t> asker) const {
        std::vector<Row> rows;
        const auto add = [&](const RegisteredMachine& machine) {
            rows.push_back({.name = machine.name(),
                            .machine_class = machine.record.machine_class,
                            .service = machine.record.service,
                            .leader = machine.leader.pid(),
                            .may_know_system = !asker || (!machine.is_host && machine.record.uid == *asker)});
        };
        for (const std::string& name : std::set<std::string>{names.begin(), names.end()})
            add(service_.registry.get(name));
        if (!names.empty())
            return rows;
        add(service_.registry.get(".host"));
        for (const auto& [name, machine] : service_.registry.machines())
            add(*machine);
        return rows;
    }

    void take(std::uint64_t number) {
        const auto found = running_.find(number);
        if (found != running_.end() && !found->second->survey.take())
            finish(number);
    }

    void finish(std::uint64_t number) {
        auto node = running_.extract(number);
        if (node.empty())
            return;
        const std::unique_ptr<Running> running = std::move(node.mapped());
        const auto& findings = running->survey.findings();
        for (Row& row : running->rows) {
            const auto found = findings.find(row.leader);
            if (found == findings.end())
                continue;
            row.finding = found->second;
            if (!row.may_know_system)
                row.finding.system = row.finding.version = row.finding.title = {};
        }
        answer(running->call, [&] { reply_rows(running->call, running->rows); });
    }

    Service& service_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, std::unique_ptr<Running>> running_;
};

SurveyWish wish_of(const std::vector<std::string>& facts) {
    SurveyWish wish{.system = false, .addresses = false};
    for (const std::string& fact : facts) {
        if (fact == "system")
            wish.system = true;
        else if (fact == "addresses")
            wish.addresses = true;
        else
            throw Failure{FailureKind::invalid, "Invalid fact '" + fact.substr(0, 64) + "'"};
    }
    return wish;
}

} // namespace

void attach_survey(Interfaces& interfaces, Service& service) {
    const auto surveys = std::make_shared<Surveys>(service);
    interfaces.manager1.method("SurveyMachines", [&service, surveys](const Call& call) {
        const auto names = call.take<std::vector<std::string>>();
        const SurveyWish wish = wish_of(call.take<std::vector<std::string>>());
        if (!wish.system) {
            surveys->begin(call, names, wish, false);
            return;
        }
        const Caller caller = call.caller();
        service.authority.decide(
            {.bus_name = caller.bus_name, .uid = caller.uid, .may_be_asked = false},
            {.action = inspect_machines, .details = {{"verb", "survey"}}, .owner = {}},
            [=](bool allowed) { answer(call, [&] { surveys->begin(call, names, wish, allowed); }); });
    });
}

} // namespace machinist
