// SPDX-License-Identifier: LGPL-2.1-or-later
// Values that say what to do, with which image and under which name.
#include "spec/option_parsers.hpp"

#include "base/text.hpp"
#include "spec/group_limits.hpp"
#include "spec/mount_text.hpp"

namespace machinist::option_parsers {

namespace {

std::vector<std::string>& list_of(std::optional<std::vector<std::string>>& member) {
    if (!member)
        member.emplace();
    return *member;
}

} // namespace

void help(Reading& reading) {
    reading.request->help = true;
}

void version(Reading& reading) {
    reading.request->version = true;
}

void introspect(Reading& reading) {
    reading.request->introspect = true;
}

void quiet(Reading& reading) {
    reading.request->quiet = true;
}

void no_ask_password(Reading& reading) {
    reading.request->ask_password = false;
}

void nothing(Reading&) {}

void dry_run(Reading& reading) {
    reading.request->dry_run = true;
}

void json(Reading& reading) {
    reading.request->json = true;
}

void cleanup(Reading& reading) {
    reading.request->cleanup = true;
}

void keep_unit(Reading& reading) {
    if (const auto wanted = boolean(reading))
        reading.settings.keep_unit = wanted;
}

void settings_use(Reading& reading) {
    if (reading.value == "override")
        reading.request->settings_use = SettingsUse::override;
    else if (reading.value == "trusted")
        reading.request->settings_use = SettingsUse::trusted;
    else if (const auto wanted = parse_bool(reading.value))
        reading.request->settings_use = *wanted ? SettingsUse::yes : SettingsUse::none;
    else
        reading.problem("is none of yes, no, override, trusted");
}

// Up to version 260 this was --uid; now it chooses whose service manager to ask.
void user_or_scope(Reading& reading) {
    const bool takes_next = !reading.has_value && reading.next_word != nullptr && reading.next_word[0] != '-';
    if (!reading.has_value && !takes_next) {
        if (!reading.from_file())
            reading.request->of_user = true;
        return;
    }
    if (takes_next) {
        reading.value = reading.next_word;
        reading.has_value = reading.took_next_word = true;
    }
    reading.warn("is taken as the old spelling of --uid", "--uid=" + escaped_for_people(reading.value));
    user(reading);
}

std::optional<Path> host_path(const Reading& reading) {
    if (!reading.value.empty())
        return Path{std::string{reading.value}};
    reading.problem("is no path");
    return std::nullopt;
}

namespace {

// An option is a wish of the caller; a key is what is known of a name.
void take_path(Reading& reading, std::optional<Path> StartRequest::*asked, std::optional<Path> ImageSettings::*known) {
    auto path = host_path(reading);
    if (!path)
        return;
    if (!reading.from_file()) {
        reading.request->*asked = std::move(path);
        return;
    }
    if (!path->is_absolute())
        return reading.problem("is no absolute path");
    if (!reading.settings.image)
        reading.settings.image.emplace();
    *reading.settings.image.*known = std::move(path);
}

} // namespace

void directory(Reading& reading) {
    take_path(reading, &StartRequest::directory, &ImageSettings::directory);
}

void make_from(Reading& reading) {
    take_path(reading, &StartRequest::make_from, &ImageSettings::make_from);
}

void image(Reading& reading) {
    take_path(reading, &StartRequest::image, &ImageSettings::image);
}

void stack(Reading& reading) {
    const Path path{std::string{reading.value}};
    const Path name = path.has_filename() ? path.filename() : path.parent_path().filename();
    if (!path.empty() && name.extension() != ".mstack" && !name.native().ends_with(".mstack.v"))
        return reading.problem("is no mount stack by its name", "a directory NAME.mstack");
    take_path(reading, &StartRequest::stack, &ImageSettings::stack);
}

void bundle(Reading& reading) {
    if (auto path = host_path(reading))
        reading.request->bundle = std::move(path);
}

void ephemeral(Reading& reading) {
    if (const auto wanted = boolean(reading))
        reading.settings.ephemeral = wanted;
}

void layer(Reading& reading) {
    const auto choice = value_named(layer_choice_names, reading.value);
    if (choice)
        reading.settings.layer = choice;
    else
        reading.problem("is none of " + listed(layer_choice_names));
}

void read_only(Reading& reading) {
    if (const auto wanted = boolean(reading))
        reading.settings.read_only = wanted;
}

void volatile_mode(Reading& reading) {
    if (asks_for_list(reading, listed(volatile_mode_names)))
        return;
    auto mode = value_named(volatile_mode_names, reading.value);
    if (!reading.has_value)
        mode = VolatileMode::yes;
    else if (const auto wanted = parse_bool(reading.value))
        mode = *wanted ? VolatileMode::yes : VolatileMode::no;
    if (mode)
        reading.settings.volatile_mode = mode;
    else
        reading.problem("is none of " + listed(volatile_mode_names));
}

void pivot_root(Reading& reading) {
    const auto parts = split_escaped(reading.value, ':').value_or(std::vector<std::string>{});
    const auto new_root = parts.empty() ? std::nullopt : destination_path(parts[0]);
    const auto old_root = parts.size() == 2 ? destination_path(parts[1]) : std::nullopt;
    if (!new_root || parts.size() > 2 || (parts.size() == 2 && !old_root))
        return reading.problem("is not NEW or NEW:OLD, absolute paths without '..'");
    if (*new_root == "/" || old_root == new_root)
        return reading.problem("would put the root where it is already");
    reading.settings.pivot_root = PivotRootSettings{*new_root, old_root};
}

void machine(Reading& reading) {
    if (reading.value.empty()) {
        reading.request->machine.reset();
        return;
    }
    reading.request->machine = MachineName::parse(reading.value);
    if (!reading.request->machine)
        reading.problem("is no name of a machine", "1 to 64 letters, digits, '-', '_', with single dots between them");
}

void hostname(Reading& reading) {
    if (reading.value.empty())
        reading.settings.hostname.reset();
    else if (MachineName::parse(reading.value))
        reading.settings.hostname = std::string{reading.value};
    else
        reading.problem("is no host name", "1 to 64 letters, digits, '-', '_', with single dots between them");
}

void machine_id(Reading& reading) {
    const auto id = MachineId::parse(reading.value);
    if (id)
        reading.settings.machine_id = id;
    else
        reading.problem("is no id of 32 hexadecimal digits other than zero");
}

void slice(Reading& reading) {
    std::string name{reading.value};
    if (!name.ends_with(".slice"))
        name += ".slice";
    constexpr std::string_view permitted = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\";
    if (reading.value.empty() || name.size() > 255 || name.find_first_not_of(permitted) != std::string::npos ||
        name.starts_with('-') || name.find("--") != std::string::npos || name.ends_with("-.slice"))
        reading.problem("is no name of a slice", "a name like machine.slice");
    else
        reading.settings.slice = name;
}

void unit_property(Reading& reading) {
    const std::size_t equals = reading.value.find('=');
    if (equals == std::string_view::npos || equals == 0 || has_control_characters(reading.value) ||
        !is_utf8(reading.value))
        reading.problem("is not NAME=VALUE", "a property of scopes, like MemoryMax=1G");
    else
        list_of(reading.settings.unit_properties).emplace_back(reading.value);
}

void registration(Reading& reading) {
    const auto wanted = parse_bool(reading.value);
    if (reading.value == "auto")
        reading.settings.registration = Registration::automatic;
    else if (wanted)
        reading.settings.registration = *wanted ? Registration::yes : Registration::no;
    else
        reading.problem("is none of yes, no, auto");
}

// MemoryMax=...: the key itself says which.
void group_limit(Reading& reading) {
    const std::string name = reading.option.substr(0, reading.option.size() - 1);
    if (is_group_limit(name, reading.value))
        list_of(reading.settings.group_limits).push_back(name + "=" + std::string{reading.value});
    else
        reading.problem("is no value of it", "what systemd.resource-control(5) says of " + name + "=");
}

// --key=SECTION.KEY=VALUE: what a settings file could say in a line.
void any_key(Reading& reading) {
    const auto equals = reading.value.find('=');
    const Option* row = row_of_key(trimmed(reading.value.substr(0, equals)));
    if (equals == std::string_view::npos || row == nullptr)
        return reading.problem("begins with no key of settings files", "--key=KEY=VALUE, see machinist.nspawn(5)");
    Reading line = reading;
    line.place = reading.place + reading.option + ": ";
    line.option = std::string{row->key} + "=";
    line.value = trimmed(reading.value.substr(equals + 1));
    const OptionParser parse = parser_of_key(*row);
    parse(line);
}

void share_system(Reading& reading) {
    reading.problem("is not supported any more: a machine always has its own process and host name",
                    "the environment variable SYSTEMD_NSPAWN_SHARE_SYSTEM=1 if namespaces must be shared");
}

} // namespace machinist::option_parsers
