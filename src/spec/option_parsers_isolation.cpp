// SPDX-License-Identifier: LGPL-2.1-or-later
// Values that say how far a machine is kept apart from the host and what it may use up.
#include "spec/option_parsers.hpp"

#include "base/text.hpp"
#include "spec/address_families.hpp"
#include "spec/capability_names.hpp"
#include "spec/resource_limits.hpp"

#include <algorithm>
#include <limits>

namespace machinist::option_parsers {

namespace {

constexpr std::uint32_t most_delegated_ranges = 16; // as systemd-nspawn has it

// "BASE" or "BASE:SIZE"; 4294967295 is no id.
bool read_id_range(std::string_view text, UserNamespaceSettings& users) {
    const auto colon = text.find(':');
    const auto base = parse_integer<std::uint32_t>(text.substr(0, colon));
    const auto size = colon == std::string_view::npos ? std::optional<std::uint32_t>{65536}
                                                      : parse_integer<std::uint32_t>(text.substr(colon + 1));
    constexpr std::uint64_t no_id = std::numeric_limits<std::uint32_t>::max();
    if (!base || !size || *size == 0 || std::uint64_t{*base} + *size > no_id)
        return false;
    users.kind = UserNamespaceKind::fixed;
    users.base = *base;
    users.size = *size;
    return true;
}

} // namespace

void private_users(Reading& reading) {
    UserNamespaceSettings& users = group(reading.settings.users);
    const std::string_view value = reading.has_value ? reading.value : "yes";
    users.base = 0;
    users.size = 65536;
    if (value == "managed")
        users.kind = UserNamespaceKind::managed;
    else if (value == "pick")
        users.kind = UserNamespaceKind::pick;
    else if (value == "identity")
        users.kind = UserNamespaceKind::fixed;
    else if (!value.empty() && value.find_first_not_of("0123456789:") == std::string_view::npos && value != "0" &&
             value != "1") {
        if (!read_id_range(value, users))
            reading.problem("is no range of user ids that fits below 4294967295");
    } else if (const auto wanted = parse_bool(value)) {
        users.kind = *wanted ? UserNamespaceKind::of_root : UserNamespaceKind::none;
    } else {
        reading.problem("is none of yes, no, pick, managed, identity, BASE, BASE:SIZE");
    }
}

void pick_users(Reading& reading) {
    UserNamespaceSettings& users = group(reading.settings.users);
    users.kind = UserNamespaceKind::pick;
    users.base = 0;
    users.size = 65536;
    users.ownership = Ownership::automatic;
}

void managed_by(Reading& reading) {
    const auto uid = parse_integer<std::uint32_t>(reading.value);
    if (uid && *uid != 0 && *uid != std::numeric_limits<std::uint32_t>::max())
        group(reading.settings.users).owner = uid;
    else
        reading.problem("is not the number of a user who is not root");
}

void users_ownership(Reading& reading) {
    if (asks_for_list(reading, listed(ownership_names)))
        return;
    const auto ownership = value_named(ownership_names, reading.value);
    if (ownership)
        group(reading.settings.users).ownership = ownership;
    else
        reading.problem("is none of " + listed(ownership_names));
}

void users_delegate(Reading& reading) {
    const auto ranges = parse_integer<std::uint32_t>(reading.value);
    if (ranges && *ranges <= most_delegated_ranges)
        group(reading.settings.users).delegated = *ranges;
    else
        reading.problem("is no number from 0 to " + std::to_string(most_delegated_ranges));
}

void users_chown(Reading& reading) {
    if (const auto wanted = boolean(reading))
        group(reading.settings.users).ownership = *wanted ? Ownership::chown : Ownership::off;
}

namespace {

std::string all_capability_names() {
    std::string list;
    for (int capability = 0; capability < capability_count; ++capability)
        list.append(list.empty() ? "" : "\n").append(capability_name(capability));
    return list;
}

void add_capabilities(Reading& reading, CapabilityMask CapabilitySettings::*member) {
    if (asks_for_list(reading, all_capability_names()))
        return;
    std::string unknown;
    const auto mask = parse_capabilities(reading.value, unknown);
    if (mask)
        group(reading.settings.capabilities).*member |= *mask;
    else
        reading.problem("names '" + escaped_for_people(unknown) + "', which is no capability", "--capability=help");
}

} // namespace

void capability(Reading& reading) {
    add_capabilities(reading, &CapabilitySettings::add);
}

void drop_capability(Reading& reading) {
    add_capabilities(reading, &CapabilitySettings::drop);
}

void ambient_capability(Reading& reading) {
    if (split_words(reading.value, ", \t") == std::vector<std::string_view>{"all"})
        reading.problem("cannot be kept whole as ambient capabilities", "the names of those that are needed");
    else
        add_capabilities(reading, &CapabilitySettings::ambient);
}

void no_new_privileges(Reading& reading) {
    if (const auto wanted = boolean(reading))
        reading.settings.no_new_privileges = wanted;
}

namespace {

// USER:ROLE:TYPE, and levels behind where the policy has such. None holds what ends a word or has to be quoted.
bool is_selinux_label(std::string_view text) {
    const auto is_plain = [](char byte) {
        return byte > ' ' && byte < '\x7f' && byte != '"' && byte != '\'' && byte != '\\';
    };
    int fields = 1;
    for (std::string_view rest = text;; ++fields) {
        const auto colon = rest.find(':');
        if (rest.empty() || colon == 0)
            return false;
        if (colon == std::string_view::npos)
            break;
        rest.remove_prefix(colon + 1);
    }
    return fields >= 3 && std::ranges::all_of(text, is_plain);
}

void label(Reading& reading, std::size_t longest, std::optional<std::string>& member) {
    if (!is_selinux_label(reading.value))
        reading.problem("is no SELinux label", "USER:ROLE:TYPE[:LEVEL]");
    else if (reading.value.size() > longest)
        reading.problem("is longer than the kernel takes: " + std::to_string(longest) + " bytes");
    else
        member = std::string{reading.value};
}

// Of what is written to a process's attributes, and of an option of a filesystem.
constexpr std::size_t longest_attribute = 4095;
constexpr std::size_t longest_filesystem_option = 255;

} // namespace

void selinux_context(Reading& reading) {
    label(reading, longest_attribute, reading.settings.selinux_context);
}

void selinux_api_context(Reading& reading) {
    label(reading, longest_filesystem_option, reading.settings.selinux_api_context);
}

void nesting(Reading& reading) {
    if (const auto wanted = boolean(reading))
        reading.settings.nesting = wanted;
}

void system_call_filter(Reading& reading) {
    const bool denies = reading.value.starts_with('~');
    const auto words = split_words(reading.value.substr(denies ? 1 : 0), ", \t\n");
    const auto is_name = [](std::string_view word) {
        return word.size() <= 64 && std::ranges::all_of(word, [](char byte) {
                   return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                          (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' || byte == '@';
               });
    };
    if (!std::ranges::all_of(words, is_name))
        return reading.problem("holds a word that is no name of a system call or of a group of them");
    if (!denies && !words.empty() && !reading.trusted)
        return reading.warn("would allow more system calls, which an untrusted file may not");
    SyscallSettings& calls = group(reading.settings.syscalls);
    std::vector<std::string>& list = denies ? calls.deny : calls.allow;
    list.insert(list.end(), words.begin(), words.end());
}

void address_families(Reading& reading) {
    AddressFamilySettings& setting = group(reading.settings.address_families);
    const bool denies = reading.value.starts_with('~');
    const auto words = split_words(reading.value.substr(denies ? 1 : 0), ", \t\n");
    if (words.empty()) {
        setting.restriction.reset();
        return;
    }
    std::vector<int> families;
    if (words != std::vector<std::string_view>{"none"})
        for (const std::string_view word : words) {
            const auto family = address_family_named(word);
            if (!family)
                return reading.problem("names '" + escaped_for_people(word) + "', which is no address family",
                                       "names such as AF_UNIX and AF_INET");
            families.push_back(*family);
        }
    // The first list says whether families are allowed or denied; one of the other kind takes away from it.
    if (!setting.restriction)
        setting.restriction.emplace().allow_listed = !denies;
    auto& listed_families = setting.restriction->families;
    const bool adds = setting.restriction->allow_listed != denies;
    for (const int family : families) {
        std::erase(listed_families, family);
        if (adds)
            listed_families.push_back(family);
    }
}

void limit(Reading& reading) {
    const auto equals = reading.value.find('=');
    const auto resource = limit_named(reading.value.substr(0, equals));
    if (!resource || equals == std::string_view::npos)
        return reading.problem("does not begin with the name of a limit and '='", "for example NOFILE=1024:4096");
    const auto value = parse_limit(*resource, reading.value.substr(equals + 1));
    if (!value)
        return reading.problem("is no LIMIT or SOFT:HARD for this resource");
    reading.settings.limits[static_cast<std::size_t>(*resource)] = value;
}

// LimitNOFILE=...: the key itself says which.
void limit_key(Reading& reading) {
    const auto resource = limit_named(std::string_view{reading.option}.substr(5, reading.option.size() - 6));
    const auto value = resource ? parse_limit(*resource, reading.value) : std::nullopt;
    if (!value)
        return reading.problem("is no LIMIT or SOFT:HARD for this resource");
    reading.settings.limits[static_cast<std::size_t>(*resource)] = value;
}

void oom_score_adjust(Reading& reading) {
    const auto score = parse_integer<int>(reading.value);
    if (score && *score >= -1000 && *score <= 1000)
        reading.settings.oom_score_adjust = score;
    else
        reading.problem("is no number from -1000 to 1000");
}

void cpu_affinity(Reading& reading) {
    auto cpus = parse_cpu_list(reading.value);
    if (cpus)
        reading.settings.cpu_affinity = std::move(cpus);
    else
        reading.problem("is no list of processors", "numbers and ranges such as 0-3,8");
}

void personality(Reading& reading) {
    if (reading.value == "x86" || reading.value == "x86-64")
        reading.settings.personality = std::string{reading.value};
    else
        reading.problem("is none of x86, x86-64");
}

} // namespace machinist::option_parsers
