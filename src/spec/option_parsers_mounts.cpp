// SPDX-License-Identifier: LGPL-2.1-or-later
// Values that say what of the host is seen in the machine: mounts, name servers, time zone, journal.
#include "spec/option_parsers.hpp"

#include "spec/mount_text.hpp"

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

} // namespace machinist::option_parsers
