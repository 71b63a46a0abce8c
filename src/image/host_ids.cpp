// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/host_ids.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"

#include <array>
#include <optional>
#include <string_view>
#include <unistd.h>

namespace machinist {

namespace {

struct Range {
    std::uint64_t first;
    std::uint64_t end;
};

bool overlap(const Range& one, const Range& other) {
    return one.first < other.end && other.first < one.end;
}

// passwd and group: name:password:id:...
bool lists_id(const std::filesystem::path& file, const Range& wanted) {
    const auto text = read_file_if_exists(file);
    if (!text)
        return false;
    for (const auto line : split(*text, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() < 3)
            continue;
        const auto id = parse_integer<std::uint32_t>(fields[2]);
        if (id && overlap({*id, std::uint64_t{*id} + 1}, wanted))
            return true;
    }
    return false;
}

// subuid and subgid: name:first:count
bool lists_range(const std::filesystem::path& file, const Range& wanted) {
    const auto text = read_file_if_exists(file);
    if (!text)
        return false;
    for (const auto line : split(*text, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() != 3)
            continue;
        const auto first = parse_integer<std::uint64_t>(fields[1]);
        const auto count = parse_integer<std::uint64_t>(fields[2]);
        if (first && count && *first < (1ULL << 32) && *count <= (1ULL << 32) &&
            overlap({*first, *first + *count}, wanted))
            return true;
    }
    return false;
}

// Sources that hold no ids of this kind beyond the files: systemd's synthesize users of running services and
// machines, and running machines hold their range's lock.
bool is_file_like(std::string_view source) {
    return source == "files" || source == "compat" || source == "systemd" || source == "mymachines";
}

bool database_is_more_than_files(const std::filesystem::path& nsswitch) {
    const auto text = read_file_if_exists(nsswitch);
    if (!text)
        return false;
    for (const auto line : split(*text, '\n')) {
        const auto statement = line.substr(0, line.find('#'));
        const auto colon = statement.find(':');
        if (colon == std::string_view::npos)
            continue;
        const auto database = trimmed(statement.substr(0, colon));
        if (database != "passwd" && database != "group")
            continue;
        for (const auto source : split_words(statement.substr(colon + 1)))
            if (!source.starts_with('[') && !is_file_like(source))
                return true;
    }
    return false;
}

// No NSS in this process: its modules are foreign code.
bool database_knows(const std::string& getent, const Range& wanted) {
    for (const char* database : {"passwd", "group"}) {
        const auto answer =
            run_program({getent, database, std::to_string(wanted.first), std::to_string(wanted.end - 2)});
        if (!answer.output.empty())
            return true;
    }
    return false;
}

} // namespace

bool host_knows_ids(std::uint32_t base, std::uint32_t size, const HostIdSources& sources) {
    const Range wanted{base, std::uint64_t{base} + size};
    if (lists_id(sources.etc / "passwd", wanted) || lists_id(sources.etc / "group", wanted) ||
        lists_range(sources.etc / "subuid", wanted) || lists_range(sources.etc / "subgid", wanted))
        return true;
    if (sources.getent.empty() || !database_is_more_than_files(sources.etc / "nsswitch.conf") ||
        ::access(sources.getent.c_str(), X_OK) < 0)
        return false;
    return database_knows(sources.getent, wanted);
}

} // namespace machinist
