// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/admission.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/binary_architecture.hpp"
#include "image/directory_entries.hpp"
#include "image/package_database.hpp"
#include "image/stack.hpp"
#include "kernel/files.hpp"
#include "spec/orderly_end.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utility>

namespace machinist {

namespace {

constexpr std::size_t most_entries = 5'000'000;
constexpr int deepest = 100;
constexpr std::uint32_t range_size = 65536;

// Looks at every entry once, in the tree's own filesystem.
class Walk {
public:
    explicit Walk(Admission& found) : found_(found) {}

    void enter(BorrowedFd directory, const std::string& path, int depth) {
        if (depth > deepest)
            throw Failure{FailureKind::hostile, "examine the image: it is deeper than any system"};
        for (const std::string& name : sorted_entries(directory, most_entries)) {
            if (++found_.entries > most_entries)
                throw Failure{FailureKind::hostile, "examine the image: it has more entries than any system"};
            struct stat status {};
            if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0)
                continue;
            look_at(directory, name, path + name, status);
            if (!S_ISDIR(status.st_mode))
                continue;
            if (const auto below = enter_directory(directory, name))
                enter(*below, path + name + "/", depth + 1);
        }
    }

private:
    void look_at(BorrowedFd directory, const std::string& name, const std::string& path, const struct stat& status) {
        if (S_ISREG(status.st_mode)) {
            found_.bytes += static_cast<std::uint64_t>(status.st_size);
            if ((status.st_mode & (S_ISUID | S_ISGID)) != 0 && (status.st_mode & 0111) != 0)
                found_.setuid_files.push_back(path);
            // Only what can be executed can use them.
            const std::string place = path_of_descriptor(directory) + "/" + name;
            if ((status.st_mode & 0111) != 0 && ::lgetxattr(place.c_str(), "security.capability", nullptr, 0) > 0)
                found_.capable_files.push_back(path);
        }
        if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
            ++found_.device_nodes;
        if ((is_foreign(status.st_uid) || is_foreign(status.st_gid)) && found_.foreign_owners++ == 0)
            found_.first_foreign = path;
    }

    // What is written on top of a stack may have the range of the machine that wrote it.
    [[nodiscard]] bool is_foreign(std::uint32_t id) const {
        const std::uint32_t first = found_.facts.owner_uid - found_.facts.owner_uid % range_size;
        return id - first >= range_size && !(id < range_size && is_stack(found_.facts.directory));
    }

    Admission& found_;
};

std::size_t count_units(BorrowedFd root) {
    constexpr std::array suffixes{".service", ".socket", ".target",    ".timer",  ".mount", ".path",
                                  ".slice",   ".swap",   ".automount", ".device", ".scope"};
    std::vector<std::string> units;
    for (const char* path : {"etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"}) {
        try {
            const auto directory = open_beneath_if_exists(root, path, O_RDONLY | O_DIRECTORY, Links::inside_root);
            if (!directory)
                continue;
            for (std::string& name : sorted_entries(*directory, 100'000))
                if (std::ranges::any_of(suffixes, [&](const char* suffix) { return name.ends_with(suffix); }))
                    units.push_back(std::move(name));
        } catch (const Failure&) {
            // What systemd could not list has no units either.
        }
    }
    std::ranges::sort(units);
    const auto repeated = std::ranges::unique(units);
    return units.size() - static_cast<std::size_t>(std::ranges::size(repeated));
}

// Scripts of System V's kind, or a directory each for what runit supervises.
std::size_t count_services(BorrowedFd root, const std::string& init) {
    const char* path = init == "runit" ? "etc/sv" : "etc/init.d";
    try {
        const auto directory = open_beneath_if_exists(root, path, O_RDONLY | O_DIRECTORY, Links::inside_root);
        return directory ? sorted_entries(*directory, 100'000).size() : 0;
    } catch (const Failure&) {
        return 0;
    }
}

bool is_link_into_usr(BorrowedFd root, const char* name) {
    char target[64];
    const ssize_t length = ::readlinkat(root.get(), name, target, sizeof target);
    const std::string_view text{target, length > 0 ? static_cast<std::size_t>(length) : 0};
    return text == std::string{"usr/"} + name || text == std::string{"/usr/"} + name;
}

std::string find_network_manager(BorrowedFd root) {
    constexpr std::array<std::pair<const char*, const char*>, 6> marks{
        {{"etc/systemd/system/multi-user.target.wants/systemd-networkd.service", "systemd-networkd"},
         {"etc/systemd/system/multi-user.target.wants/NetworkManager.service", "NetworkManager"},
         {"usr/sbin/NetworkManager", "NetworkManager"},
         {"usr/sbin/connmand", "connman"},
         {"sbin/ifup", "ifupdown"},
         {"sbin/dhcpcd", "dhcpcd"}}};
    for (const auto& [mark, name] : marks) {
        // The first two are links to units: where they lead does not matter.
        struct stat status {};
        const std::filesystem::path path{mark};
        try {
            const auto parent =
                open_beneath_if_exists(root, path.parent_path(), O_PATH | O_DIRECTORY, Links::inside_root);
            if (parent && ::fstatat(parent->get(), path.filename().c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
                return name;
        } catch (const Failure&) {
            continue;
        }
    }
    return exists_beneath(root, "usr/lib/systemd/systemd-networkd") ? "systemd-networkd (not enabled)" : "";
}

std::string find_init_version(const std::string& kind, const std::map<std::string, std::string>& packages) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 7> package_of{{{"systemd", "systemd"},
                                                                                       {"sysvinit", "sysvinit-core"},
                                                                                       {"openrc", "openrc"},
                                                                                       {"runit", "runit"},
                                                                                       {"s6", "s6"},
                                                                                       {"busybox", "busybox"},
                                                                                       {"busybox", "busybox-static"}}};
    for (const auto& [init, package] : package_of)
        for (const auto& [name, version] : packages)
            if (init == kind && name.substr(0, name.find(':')) == package)
                return version;
    return {};
}

std::string beginning_of(BorrowedFd root, const std::string& path) {
    try {
        const auto found = open_beneath_if_exists(root, path, O_PATH, Links::inside_root);
        if (!found || !S_ISREG(status_of(*found).st_mode))
            return {};
        return read_all(open_path(path_of_descriptor(*found), O_RDONLY | O_NONBLOCK | O_NOCTTY), 8192);
    } catch (const Failure&) {
        return {};
    }
}

bool can_run_here(const std::string& architecture) {
    static const std::string own = architecture_of_elf(read_all(open_path("/proc/self/exe", O_RDONLY), 20));
    return architecture == own || (own == "x86-64" && architecture == "x86");
}

void judge(BorrowedFd root, Admission& found) {
    const ImageFacts& facts = found.facts;
    const auto obstacle = [&](std::string why) { found.obstacles.push_back(std::move(why)); };
    if (facts.os_release.empty())
        obstacle("it has neither /etc/os-release nor /usr/lib/os-release");
    if (facts.init.path.empty()) {
        obstacle("it has no init: none of /usr/lib/systemd/systemd, /lib/systemd/systemd and /sbin/init is a program");
        return;
    }
    if (!facts.architecture.empty() && !can_run_here(facts.architecture))
        obstacle("its init is made for " + facts.architecture + ", which does not run here");
    const auto loader = loader_of_elf(beginning_of(root, facts.init.path));
    if (loader && !exists_beneath(root, *loader))
        obstacle("its init needs '" + escaped_for_people(*loader) + "', which is not there");
    if (facts.init.systemd_version.value_or(first_systemd_with_cgroup2) < first_systemd_with_cgroup2)
        obstacle("its systemd " + std::to_string(*facts.init.systemd_version) +
                 " cannot boot on control groups of version 2, the only ones that machines have");
}

void warn(Admission& found) {
    if (found.facts.machine_id_state == MachineIdState::valid)
        found.warnings.emplace_back("it has a machine id: instances of it would be taken for one machine");
    if (found.facts.machine_id_state == MachineIdState::unreadable)
        found.warnings.emplace_back("its machine id cannot be read");
    if (found.foreign_owners > 0)
        found.warnings.push_back(std::to_string(found.foreign_owners) +
                                 " entries belong to ids outside of one range: '" +
                                 escaped_for_people(found.first_foreign) + "'");
    if (found.device_nodes > 0)
        found.warnings.push_back(std::to_string(found.device_nodes) + " device nodes, which cannot be opened");
    if (found.network_manager.empty())
        found.warnings.emplace_back("nothing in it sets up a network");
    // Its newest releases do not start without it.
    if (found.facts.init.kind == "systemd" && !found.merged_usr)
        found.warnings.emplace_back("its /bin and /lib are no links into /usr, which systemd since 255 needs");
    if (is_silent_init(found.facts.init.kind))
        found.warnings.push_back("its init (" + found.facts.init.kind +
                                 ") does not tell when it is ready, which is seen from outside only");
    for (const std::string& oddity : found.facts.oddities)
        found.warnings.push_back(oddity);
}

} // namespace

std::optional<std::string> loader_of_elf(const std::string& beginning) {
    const auto read = [&](auto& into, std::uint64_t offset) {
        if (offset > beginning.size() || beginning.size() - offset < sizeof into)
            return false;
        std::memcpy(&into, beginning.data() + offset, sizeof into);
        return true;
    };
    const auto search = [&](const auto& header, auto segment) -> std::optional<std::string> {
        for (unsigned number = 0; number < std::min<unsigned>(header.e_phnum, 64); ++number) {
            if (!read(segment, header.e_phoff + std::uint64_t{number} * sizeof segment))
                return std::nullopt;
            if (segment.p_type != PT_INTERP || segment.p_offset >= beginning.size() ||
                beginning.size() - segment.p_offset < segment.p_filesz || segment.p_filesz < 2)
                continue;
            return std::string{beginning.c_str() + segment.p_offset}.substr(0, segment.p_filesz - 1);
        }
        return std::nullopt;
    };
    if (beginning.size() < EI_NIDENT || std::memcmp(beginning.data(), ELFMAG, SELFMAG) != 0 ||
        beginning[EI_DATA] != ELFDATA2LSB)
        return std::nullopt;
    Elf64_Ehdr wide{};
    Elf32_Ehdr narrow{};
    if (beginning[EI_CLASS] == ELFCLASS64 && read(wide, 0))
        return search(wide, Elf64_Phdr{});
    if (beginning[EI_CLASS] == ELFCLASS32 && read(narrow, 0))
        return search(narrow, Elf32_Phdr{});
    return std::nullopt;
}

Admission examine(BorrowedFd root, const ImageFacts& facts) {
    Admission found;
    found.facts = facts;
    const auto packages = installed_packages(root);
    found.packages = packages.size();
    if (const std::string unread = unread_package_database(root); !unread.empty())
        found.warnings.push_back("its database of packages cannot be read: " + unread);
    found.init_version = find_init_version(facts.init.kind, packages);
    if (found.init_version.empty() && facts.init.systemd_version)
        found.init_version = std::to_string(*facts.init.systemd_version);
    found.network_manager = find_network_manager(root);
    found.units = facts.init.kind == "systemd" ? count_units(root) : count_services(root, facts.init.kind);
    found.merged_usr = is_link_into_usr(root, "bin") && is_link_into_usr(root, "lib");
    Walk{found}.enter(root, "/", 0);
    judge(root, found);
    warn(found);
    return found;
}

} // namespace machinist
