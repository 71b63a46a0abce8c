// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/service/state_directory.hpp"

#include "base/failure.hpp"
#include "bus/log.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::string_view link_prefix = "unit:";

bool is_unit_name(const std::string& unit) {
    return !unit.empty() && unit.size() < 256 && unit.find('/') == std::string::npos;
}

} // namespace

void StateDirectory::write(const MachineRecord& record, bool owns_unit) const {
    write_atomically(directory_ / record.name.text(), write_machine_record(record), 0644);
    if (!owns_unit || !is_unit_name(record.scope))
        return;
    const auto link = directory_ / (std::string{link_prefix} + record.scope);
    const auto fresh = directory_ / ("." + std::string{link_prefix} + record.scope + ".new");
    (void)::unlink(fresh.c_str());
    if (::symlink(record.name.text().c_str(), fresh.c_str()) < 0 || ::rename(fresh.c_str(), link.c_str()) < 0)
        throw system_failure("link '" + link.string() + "'");
}

void StateDirectory::remove(const MachineRecord& record) const {
    const auto file = directory_ / record.name.text();
    if (const auto text = read_file_if_exists(file)) {
        const auto now = parse_machine_record(*text);
        if (now && (now->leader != record.leader || now->leader_pidfd_id != record.leader_pidfd_id))
            return;
    }
    (void)::unlink(file.c_str());
    if (has_link(record))
        (void)::unlink((directory_ / (std::string{link_prefix} + record.scope)).c_str());
}

bool StateDirectory::has_link(const MachineRecord& record) const {
    if (!is_unit_name(record.scope))
        return false;
    const auto link = directory_ / (std::string{link_prefix} + record.scope);
    char target[256];
    const ssize_t length = ::readlink(link.c_str(), target, sizeof target);
    return length > 0 && std::string_view(target, static_cast<std::size_t>(length)) == record.name.text();
}

std::optional<MachineRecord> StateDirectory::read(const std::string& name) const {
    const auto path = directory_ / name;
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    if (!file) {
        if (errno != ENOENT)
            put_aside(name, "it cannot be opened");
        return std::nullopt;
    }
    struct stat status = status_of(file);
    if (!S_ISREG(status.st_mode)) {
        put_aside(name, "it is no regular file");
        return std::nullopt;
    }
    std::string text;
    try {
        text = read_all(file, machine_record_limit + 1);
    } catch (const Failure& failure) {
        put_aside(name, failure.what());
        return std::nullopt;
    }
    auto record = parse_machine_record(text);
    if (!record || record->name.text() != name || record->leader <= 1) {
        put_aside(name, record ? "it tells of machine '" + record->name.text() + "', process " +
                                     std::to_string(record->leader)
                               : "it tells of no machine");
        return std::nullopt;
    }
    return record;
}

void StateDirectory::put_aside(const std::string& name, const std::string& why) const {
    try {
        make_directories(quarantine_, 0700);
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        const auto target = quarantine_ / (name + "." + std::to_string(now.tv_sec) + "." + std::to_string(now.tv_nsec));
        if (::rename((directory_ / name).c_str(), target.c_str()) < 0 && errno == EXDEV) {
            if (::unlink((directory_ / name).c_str()) < 0)
                throw system_failure("remove '" + (directory_ / name).string() + "'");
        }
        log_warning("the state file of machine '" + name + "' was put aside as '" + target.string() + "': " + why);
    } catch (const Failure& failure) {
        log_error(failure.what());
    }
}

std::vector<std::string> StateDirectory::names() const {
    make_directories(directory_, 0755);
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory_, ignored)) {
        std::string name = entry.path().filename().string();
        if (MachineName::parse(name))
            names.push_back(std::move(name));
    }
    std::ranges::sort(names);
    return names;
}

void StateDirectory::remove_stale_links() const {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory_, ignored)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(link_prefix) && !name.starts_with("." + std::string{link_prefix}))
            continue;
        if (::access(entry.path().c_str(), F_OK) < 0 || name.front() == '.')
            (void)::unlink(entry.path().c_str());
    }
}

} // namespace machinist
