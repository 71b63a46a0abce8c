// SPDX-License-Identifier: LGPL-2.1-or-later
// What a bundle mounts. What every machine has is not mounted again, in whatever form it is asked for.
#include "oci/bundle_parts.hpp"

#include "base/text.hpp"
#include "oci/bind_options.hpp"
#include "spec/mount_text.hpp"

#include <algorithm>
#include <array>
#include <linux/mount.h>

namespace machinist::oci {

namespace {

struct Provided {
    std::string_view place;
    std::string_view types; // between blanks
};
constexpr std::array provided{Provided{"/proc", " proc "},
                              Provided{"/sys", " sysfs "},
                              Provided{"/sys/fs/cgroup", " cgroup cgroup2 "},
                              Provided{"/dev", " tmpfs devtmpfs "},
                              Provided{"/dev/pts", " devpts "},
                              Provided{"/dev/shm", " tmpfs "},
                              Provided{"/dev/mqueue", " mqueue "},
                              Provided{"/run", " tmpfs "}};

struct Word {
    std::string_view word;
    std::uint64_t attributes;
};
constexpr std::array attribute_words{Word{"nosuid", MOUNT_ATTR_NOSUID},
                                     Word{"nodev", MOUNT_ATTR_NODEV},
                                     Word{"noexec", MOUNT_ATTR_NOEXEC},
                                     Word{"noatime", MOUNT_ATTR_NOATIME},
                                     Word{"nodiratime", MOUNT_ATTR_NODIRATIME},
                                     Word{"strictatime", MOUNT_ATTR_STRICTATIME},
                                     Word{"rnosuid", MOUNT_ATTR_NOSUID},
                                     Word{"rnodev", MOUNT_ATTR_NODEV},
                                     Word{"rnoexec", MOUNT_ATTR_NOEXEC},
                                     Word{"rnoatime", MOUNT_ATTR_NOATIME},
                                     Word{"defaults", 0},
                                     Word{"rw", 0},
                                     Word{"rrw", 0},
                                     Word{"suid", 0},
                                     Word{"dev", 0},
                                     Word{"exec", 0},
                                     Word{"atime", 0},
                                     Word{"relatime", 0},
                                     Word{"diratime", 0},
                                     Word{"private", 0},
                                     Word{"rprivate", 0},
                                     Word{"async", 0}};

bool is_among(std::string_view word, std::string_view words) {
    return words.find(" " + std::string{word} + " ") != std::string_view::npos;
}

void read_bind(const std::string& place, const std::string& source, const std::vector<std::string>& options,
               ExtraMount mount, BundleReading& reading) {
    mount.kind = ExtraMountKind::bind;
    mount.recursive = false;
    if (source.empty())
        return reading.findings.refuse(place + ".source", "is missing");
    mount.source = {host_path(source, reading.directory), false};
    read_bind_options(place + ".options", options, mount, reading.findings);
    reading.mounts().push_back(std::move(mount));
}

void read_tmpfs(const std::string& place, const std::vector<std::string>& options, ExtraMount mount,
                BundleReading& reading) {
    constexpr std::string_view mount_words =
        " ro rw nosuid suid nodev dev noexec exec noatime relatime strictatime defaults ";
    mount.kind = ExtraMountKind::tmpfs;
    for (const std::string& word : options) {
        const std::string key = word.substr(0, word.find('='));
        const bool is_value = word.size() > key.size() + 1 && word.find_first_of(", \t\n") == std::string::npos;
        const bool is_option = is_value && is_among(key, " mode size nr_inodes nr_blocks uid gid ");
        if (is_option || is_among(word, mount_words))
            mount.tmpfs_options.append(mount.tmpfs_options.empty() ? "" : ",").append(word);
        else if (!is_among(word, " private rprivate "))
            reading.findings.refuse(place + ".options",
                                    "has '" + escaped_for_people(word.substr(0, 60)) + "', which is not done", {},
                                    FailureKind::not_supported);
    }
    if (mount.tmpfs_options.find("mode=") == std::string::npos)
        mount.tmpfs_options.append(mount.tmpfs_options.empty() ? "" : ",").append("mode=1777");
    reading.mounts().push_back(std::move(mount));
}

constexpr std::size_t most_ranges = 340; // that the kernel takes

std::vector<OwnerRange> ranges_in(Fields& wanted, const char* name, BundleReading& reading) {
    std::vector<OwnerRange> ranges;
    for (Fields& mapping : wanted.objects(name)) {
        const auto on_disk = mapping.natural("containerID");
        const auto seen = mapping.natural("hostID");
        const auto count = mapping.natural("size");
        mapping.told_all();
        const auto fits = [&](const auto& first) { return first && *first <= UINT32_MAX - *count; };
        if (!count || *count == 0 || *count > UINT32_MAX || !fits(on_disk) || !fits(seen) ||
            ranges.size() == most_ranges) {
            reading.findings.refuse(mapping.place_of("size"), "is no range of ids");
            return {};
        }
        ranges.push_back({static_cast<std::uint32_t>(*on_disk), static_cast<std::uint32_t>(*seen),
                          static_cast<std::uint32_t>(*count)});
    }
    return ranges;
}

std::optional<OwnerMap> owner_map_in(Fields& wanted, BundleReading& reading) {
    OwnerMap map{.users = ranges_in(wanted, "uidMappings", reading),
                 .groups = ranges_in(wanted, "gidMappings", reading)};
    if (map.users.empty() != map.groups.empty())
        reading.findings.refuse(wanted.place_of(map.users.empty() ? "uidMappings" : "gidMappings"),
                                "is missing beside the other one");
    return map.users.empty() ? std::nullopt : std::optional{std::move(map)};
}

void read_mount(Fields wanted, BundleReading& reading) {
    const std::string place = wanted.place_of("");
    const std::string here = place.substr(0, place.size() - 1);
    const std::string target = wanted.text("destination").value_or("");
    const std::string source = wanted.text("source").value_or("");
    const std::string type = wanted.text("type").value_or("");
    const auto options = wanted.texts("options");
    const auto owner_map = owner_map_in(wanted, reading);
    wanted.told_all();
    // Version 1.0 had them relative to the root.
    const auto destination = destination_path(target.starts_with('/') ? target : "/" + target);
    if (!destination || *destination == "/")
        return reading.findings.refuse(here + ".destination", "is no absolute path below '/'");
    const bool is_bind = type == "bind" || std::ranges::any_of(options, [](const std::string& word) {
                             return word == "bind" || word == "rbind";
                         });
    const auto* standard = std::ranges::find(provided, destination->native(), &Provided::place);
    if (standard != provided.end() && (is_bind || is_among(type, standard->types))) {
        if (is_bind)
            reading.findings.warn(here + ".source", "is not bound: the machine has its own " + destination->string());
        return;
    }
    if (owner_map && !is_bind)
        return reading.findings.refuse(here + ".uidMappings", "is there on what is no bind mount",
                                       "the ids that the filesystem's own options give", FailureKind::not_supported);
    ExtraMount mount;
    mount.destination = *destination;
    mount.owner_map = owner_map;
    if (is_bind)
        return read_bind(here, source, options, std::move(mount), reading);
    if (type == "tmpfs")
        return read_tmpfs(here, options, std::move(mount), reading);
    reading.findings.refuse(here + ".type",
                            "is '" + escaped_for_people(type.substr(0, 40)) + "', which is not mounted at " +
                                escaped_for_people(destination->string().substr(0, 100)),
                            "a bind mount", FailureKind::not_supported);
}

} // namespace

void read_bind_options(const std::string& place, const std::vector<std::string>& options, ExtraMount& mount,
                       Findings& findings) {
    for (const std::string& word : options) {
        const auto* known = std::ranges::find(attribute_words, word, &Word::word);
        if (known != attribute_words.end())
            mount.attributes |= known->attributes;
        else if (word == "rbind")
            mount.recursive = true;
        else if (word == "ro" || word == "rro")
            mount.read_only = true;
        else if (word == "idmap" || word == "ridmap")
            mount.id_mapping = IdMapping::same;
        else if (is_among(word, " slave rslave shared rshared unbindable runbindable "))
            findings.warn(place, "'" + word + "' is not done: mounts do not spread");
        else if (word != "bind")
            findings.refuse(place, "has '" + escaped_for_people(word.substr(0, 60)) + "', which is not done", {},
                            FailureKind::not_supported);
    }
}

void read_mounts(Fields& config, BundleReading& reading) {
    constexpr std::size_t most_mounts = 1000;
    auto mounts = config.objects("mounts");
    if (mounts.size() > most_mounts)
        return reading.findings.refuse("mounts", "has more than 1000 entries");
    for (Fields& mount : mounts)
        read_mount(std::move(mount), reading);
}

} // namespace machinist::oci
