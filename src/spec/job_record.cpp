// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/job_record.hpp"

#include "base/text.hpp"

#include <map>

namespace machinist {

std::string write_job_record(const JobRecord& record) {
    std::string text;
    const auto add = [&](const char* name, const std::string& value) {
        text.append(name).append("=").append(escaped_for_people(value)).append("\n");
    };
    add("ID", std::to_string(record.id));
    add("KIND", std::string{name_of(job_kind_names, record.kind)});
    add("MACHINE", record.machine);
    add("OWNER", std::to_string(record.owner));
    add("DESCRIPTION", record.description);
    add("BEGUN", std::to_string(record.begun));
    add("CANCELED", record.canceled ? "1" : "0");
    add("PROCESS", std::to_string(record.process));
    add("INODE", std::to_string(record.process_inode));
    add("START", std::to_string(record.process_start));
    add("UNIT", record.unit);
    add("TYPE", record.transfer.type);
    add("REMOTE", record.transfer.remote);
    add("CLASS", record.transfer.image_class);
    add("VERIFY", record.transfer.verify);
    add("END", "1");
    return text;
}

std::optional<JobRecord> parse_job_record(std::string_view text) {
    if (!text.ends_with("\nEND=1\n"))
        return std::nullopt;
    std::map<std::string_view, std::string_view> values;
    for (const std::string_view line : split(text, '\n'))
        if (const auto equals = line.find('='); equals != std::string_view::npos)
            values[line.substr(0, equals)] = line.substr(equals + 1);
    const auto unescaped = [&](const char* name) {
        return c_unescaped(values[name]).value_or(std::string{values[name]});
    };
    const auto id = parse_integer<std::uint32_t>(values["ID"]);
    const auto kind = value_named(job_kind_names, values["KIND"]);
    if (!id || !kind)
        return std::nullopt;
    JobRecord record;
    record.id = *id;
    record.kind = *kind;
    record.machine = unescaped("MACHINE");
    record.owner = parse_integer<std::uint32_t>(values["OWNER"]).value_or(0);
    record.description = unescaped("DESCRIPTION");
    record.begun = parse_integer<std::uint64_t>(values["BEGUN"]).value_or(0);
    record.canceled = values["CANCELED"] == "1";
    record.process = parse_integer<pid_t>(values["PROCESS"]).value_or(0);
    record.process_inode = parse_integer<std::uint64_t>(values["INODE"]).value_or(0);
    record.process_start = parse_integer<std::uint64_t>(values["START"]).value_or(0);
    record.unit = unescaped("UNIT");
    record.transfer = {.type = unescaped("TYPE"),
                       .remote = unescaped("REMOTE"),
                       .image_class = unescaped("CLASS"),
                       .verify = unescaped("VERIFY")};
    return record;
}

} // namespace machinist
