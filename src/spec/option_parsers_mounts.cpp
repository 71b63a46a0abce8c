// SPDX-License-Identifier: LGPL-2.1-or-later
// Values that say what of the host is seen in the machine: mounts, name servers, time zone, journal.
#include "spec/option_parsers.hpp"

#include "base/text.hpp"
#include "spec/device_text.hpp"
#include "spec/mount_text.hpp"

#include <algorithm>

namespace machinist::option_parsers {

namespace {

void add_mount(Reading& reading, ParsedMount parsed) {
    if (const auto* none = std::get_if<NoMount>(&parsed))
        return reading.problem(none->why);
    if (!reading.settings.extra_mounts)
        reading.settings.extra_mounts.emplace();
    reading.settings.extra_mounts->push_back(std::move(std::get<ExtraMount>(parsed)));
}

} // namespace

void bind(Reading& reading) {
    add_mount(reading, parse_bind(reading.value, false));
}

void bind_read_only(Reading& reading) {
    add_mount(reading, parse_bind(reading.value, true));
}

void overlay(Reading& reading) {
    add_mount(reading, parse_overlay(reading.value, false));
}

void overlay_read_only(Reading& reading) {
    add_mount(reading, parse_overlay(reading.value, true));
}

void tmpfs(Reading& reading) {
    add_mount(reading, parse_tmpfs(reading.value));
}

void inaccessible(Reading& reading) {
    add_mount(reading, parse_inaccessible(reading.value));
}

namespace {

BoundUserSettings& bound_users_of(Settings& settings) {
    if (!settings.bound_users)
        settings.bound_users.emplace();
    return *settings.bound_users;
}

// A key may list several.
template <typename Add>
void add_names(Reading& reading, const Add& add) {
    for (const std::string_view name : split_words(reading.value))
        if (is_account_name(name) && name.find_first_of("\"\\.") == std::string_view::npos)
            add(std::string{name});
        else
            reading.problem("is no name of a user or group");
}

} // namespace

void bind_user(Reading& reading) {
    add_names(reading, [&](std::string name) {
        auto& users = bound_users_of(reading.settings).users;
        if (std::ranges::find(users, name) == users.end())
            users.push_back(std::move(name));
    });
}

void bind_user_group(Reading& reading) {
    add_names(reading, [&](std::string name) { bound_users_of(reading.settings).groups.push_back(std::move(name)); });
}

void bind_user_shell(Reading& reading) {
    const auto path = destination_path(reading.value);
    if (const auto wanted = parse_bool(reading.value))
        reading.settings.bound_user_shell = *wanted ? "yes" : "";
    else if (path)
        reading.settings.bound_user_shell = path->native();
    else
        reading.problem("is neither yes nor no nor an absolute path");
}

void device(Reading& reading) {
    auto& devices = group(reading.settings.devices);
    if (!reading.value.starts_with('/') && reading.value.find('=') != std::string_view::npos) {
        if (auto name = parse_cdi_name(reading.value))
            devices.emplace_back(std::move(*name));
        else
            reading.problem("is no name of a device, which is VENDOR/CLASS=NAME");
        return;
    }
    auto given = parse_device(reading.value);
    if (!given)
        return reading.problem("is no path below /dev, with or without r, w and m behind a colon");
    devices.emplace_back(std::move(*given));
}

void resolv_conf(Reading& reading) {
    const std::string list = listed(resolv_conf_mode_names) + ", auto";
    const auto mode = value_named(resolv_conf_mode_names, reading.value);
    if (asks_for_list(reading, list))
        return;
    if (mode || reading.value == "auto")
        reading.settings.resolv_conf = {mode};
    else
        reading.problem("is none of " + list);
}

void timezone(Reading& reading) {
    const std::string list = listed(timezone_mode_names) + ", auto";
    const auto mode = value_named(timezone_mode_names, reading.value);
    if (asks_for_list(reading, list))
        return;
    if (mode || reading.value == "auto")
        reading.settings.timezone = {mode};
    else
        reading.problem("is none of " + list);
}

void link_journal(Reading& reading) {
    std::string_view name = reading.value;
    const bool tries = name.starts_with("try-");
    if (tries)
        name.remove_prefix(4);
    const auto mode = value_named(link_journal_mode_names, name);
    const bool is_place = mode == LinkJournalMode::host || mode == LinkJournalMode::guest;
    if (!mode || (tries && !is_place))
        return reading.problem("is none of no, host, try-host, guest, try-guest, auto");
    reading.settings.link_journal = LinkJournalSettings{*mode, tries || !is_place};
}

void link_journal_try_guest(Reading& reading) {
    reading.settings.link_journal = LinkJournalSettings{LinkJournalMode::guest, true};
}

void forward_journal(Reading& reading) {
    auto path = host_path(reading);
    if (path && reading.from_file() && !path->is_absolute())
        reading.problem("is no absolute path");
    else if (path)
        reading.settings.forward_journal = std::move(path);
}

namespace {

void read_size(const Reading& reading, std::optional<std::uint64_t>& place) {
    if (const auto bytes = parse_size(reading.value))
        place = bytes;
    else
        reading.problem("is no number of bytes", "a number, with K, M, G or T behind it");
}

} // namespace

void forward_journal_max_use(Reading& reading) {
    read_size(reading, reading.settings.forward_journal_max_use);
}

void forward_journal_keep_free(Reading& reading) {
    read_size(reading, reading.settings.forward_journal_keep_free);
}

void forward_journal_max_file_size(Reading& reading) {
    read_size(reading, reading.settings.forward_journal_max_file_size);
}

void forward_journal_max_files(Reading& reading) {
    if (const auto files = parse_integer<std::uint64_t>(reading.value))
        reading.settings.forward_journal_max_files = files;
    else
        reading.problem("is no number");
}

} // namespace machinist::option_parsers
