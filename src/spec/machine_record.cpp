// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/machine_record.hpp"

#include "base/text.hpp"
#include "spec/environment_file.hpp"

#include <algorithm>
#include <map>

namespace machinist {

namespace {

std::vector<int> interfaces_from(std::string_view text) {
    std::vector<int> numbers;
    for (const std::string_view word : split_words(text))
        if (const auto number = parse_integer<int>(word); number && *number > 0)
            numbers.push_back(*number);
    return numbers;
}

class Writer {
public:
    void text(std::string_view name, std::string_view value) {
        if (!value.empty())
            lines_ += environment_line(name, value);
    }
    template <typename Number>
    void number(std::string_view name, Number value) {
        lines_ += environment_line(name, std::to_string(value));
    }
    [[nodiscard]] std::string lines() && {
        return std::move(lines_);
    }

private:
    std::string lines_ = "# This is private data. Do not parse.\n";
};

class Reader {
public:
    explicit Reader(std::map<std::string, std::string, std::less<>> values) : values_(std::move(values)) {}

    [[nodiscard]] std::string text(std::string_view name) const {
        const auto found = values_.find(name);
        return found == values_.end() ? std::string{} : found->second;
    }
    template <typename Number>
    [[nodiscard]] Number number(std::string_view name, Number otherwise) const {
        return parse_integer<Number>(text(name)).value_or(otherwise);
    }

private:
    std::map<std::string, std::string, std::less<>> values_;
};

} // namespace

std::string write_machine_record(const MachineRecord& record) {
    Writer writer;
    writer.text("NAME", record.name.text());
    writer.number("UID", record.uid);
    writer.text("SCOPE", record.scope);
    writer.text("SERVICE", record.service);
    writer.text("ROOT", record.root);
    if (record.id)
        writer.text("ID", record.id->plain());
    writer.number("LEADER", record.leader);
    if (record.leader_pidfd_id != 0)
        writer.number("LEADER_PIDFDID", record.leader_pidfd_id);
    if (record.supervisor > 0)
        writer.number("SUPERVISOR", record.supervisor);
    if (record.supervisor > 0 && record.supervisor_pidfd_id != 0)
        writer.number("SUPERVISOR_PIDFDID", record.supervisor_pidfd_id);
    writer.text("CLASS", record.machine_class);
    writer.number("REALTIME", record.realtime);
    writer.number("MONOTONIC", record.monotonic);
    std::string interfaces;
    for (const int index : record.network_interfaces)
        interfaces.append(" ").append(std::to_string(index));
    writer.text("NETIF", interfaces);
    writer.number("VSOCK_CID", record.vsock_cid);
    writer.text("SSH_ADDRESS", record.ssh_address);
    writer.text("SSH_PRIVATE_KEY_PATH", record.ssh_private_key_path);
    writer.text("CONTROL_ADDRESS", record.control_address);
    writer.text("MACHINIST_RUN_DIRECTORY", record.run_directory);
    return std::move(writer).lines();
}

std::optional<MachineRecord> parse_machine_record(std::string_view text) {
    if (text.size() > machine_record_limit)
        return std::nullopt;
    auto assignments = parse_environment_file(text);
    if (!assignments)
        return std::nullopt;
    std::map<std::string, std::string, std::less<>> values;
    for (auto& [name, value] : *assignments)
        values.insert_or_assign(std::move(name), std::move(value));
    const Reader reader{std::move(values)};

    const auto name = MachineName::parse(reader.text("NAME"));
    MachineRecord record;
    record.leader = reader.number<pid_t>("LEADER", 0);
    if (!name || record.leader <= 0)
        return std::nullopt;
    record.name = *name;
    record.uid = reader.number<std::uint32_t>("UID", 0);
    record.scope = reader.text("SCOPE");
    record.service = reader.text("SERVICE");
    record.root = reader.text("ROOT");
    record.id = MachineId::parse(reader.text("ID"));
    record.leader_pidfd_id = reader.number<std::uint64_t>("LEADER_PIDFDID", 0);
    record.supervisor = std::max(reader.number<pid_t>("SUPERVISOR", 0), 0);
    record.supervisor_pidfd_id = reader.number<std::uint64_t>("SUPERVISOR_PIDFDID", 0);
    record.machine_class = reader.text("CLASS");
    record.realtime = reader.number<std::uint64_t>("REALTIME", 0);
    record.monotonic = reader.number<std::uint64_t>("MONOTONIC", 0);
    record.network_interfaces = interfaces_from(reader.text("NETIF"));
    record.vsock_cid = reader.number<std::uint32_t>("VSOCK_CID", UINT32_MAX);
    record.ssh_address = reader.text("SSH_ADDRESS");
    record.ssh_private_key_path = reader.text("SSH_PRIVATE_KEY_PATH");
    record.control_address = reader.text("CONTROL_ADDRESS");
    record.run_directory = reader.text("MACHINIST_RUN_DIRECTORY");
    return record;
}

} // namespace machinist
