// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/package_database.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/directory_entries.hpp"
#include "image/rpm_header.hpp"
#include "image/rpm_packages.hpp"
#include "image/sqlite_table.hpp"
#include "kernel/files.hpp"

#include <fcntl.h>
#include <optional>
#include <vector>

namespace machinist {

namespace {

constexpr std::size_t largest_database = std::size_t{256} << 20;

struct Package {
    std::string_view name;
    std::string_view version;
    std::string_view architecture;
    bool is_installed = false;
};

void add(Packages& packages, const Package& package) {
    if (package.is_installed && !package.name.empty() && !package.version.empty())
        packages[std::string{package.name} + (package.architecture.empty() ? "" : ":") +
                 std::string{package.architecture}] = package.version;
}

} // namespace

Packages parse_dpkg_status(std::string_view text) {
    Packages packages;
    Package package;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        if (line.empty()) {
            add(packages, package);
            package = {};
            continue;
        }
        const std::size_t colon = line.find(':');
        if (line.front() == ' ' || line.front() == '\t' || colon == std::string_view::npos)
            continue;
        const std::string_view field = line.substr(0, colon);
        const std::string_view value = trimmed(line.substr(colon + 1));
        if (field == "Package")
            package.name = value;
        else if (field == "Version")
            package.version = value;
        else if (field == "Architecture")
            package.architecture = value;
        else if (field == "Status")
            package.is_installed = value.ends_with(" installed");
    }
    add(packages, package);
    return packages;
}

Packages parse_apk_database(std::string_view text) {
    Packages packages;
    Package package;
    for (const std::string_view line : split(text, '\n')) {
        if (line.empty()) {
            add(packages, package);
            package = {};
        } else if (line.starts_with("P:")) {
            package.name = line.substr(2);
            package.is_installed = true;
        } else if (line.starts_with("V:")) {
            package.version = line.substr(2);
        } else if (line.starts_with("A:")) {
            package.architecture = line.substr(2);
        }
    }
    add(packages, package);
    return packages;
}

Packages parse_pacman_description(std::string_view text) {
    Packages packages;
    Package package{.name = {}, .version = {}, .architecture = {}, .is_installed = true};
    std::string_view field;
    for (const std::string_view line : split(text, '\n')) {
        if (field == "%NAME%")
            package.name = line;
        else if (field == "%VERSION%")
            package.version = line;
        else if (field == "%ARCH%")
            package.architecture = line;
        field = line;
    }
    add(packages, package);
    return packages;
}

namespace {

std::optional<std::vector<std::string>> rpm_headers(std::string_view file) {
    if (auto rows = last_column_of_table(file, "Packages"))
        return rows;
    if (auto blobs = blobs_of_ndb(file))
        return blobs;
    return values_of_hash_database(file);
}

std::vector<std::string> rpm_databases() {
    std::vector<std::string> paths;
    for (const std::string directory : {"usr/lib/sysimage/rpm/", "var/lib/rpm/"})
        for (const char* name : {"rpmdb.sqlite", "Packages.db", "Packages"})
            paths.push_back(directory + name);
    return paths;
}

} // namespace

Packages parse_rpm_database(std::string_view file) {
    Packages packages;
    for (const std::string& header : rpm_headers(file).value_or(std::vector<std::string>{})) {
        const auto package = read_rpm_header(header);
        if (!package)
            continue;
        std::string& version = packages[package->name];
        version.append(version.empty() ? "" : " ").append(package->full_version);
    }
    return packages;
}

namespace {

template <typename Parse>
void read_database(Packages& packages, BorrowedFd root, const char* path, Parse&& parse) {
    try {
        if (const auto text = read_untrusted(root, path, largest_database))
            packages.merge(parse(*text));
    } catch (const Failure&) {
        // What the system itself could not read tells of no packages either.
    }
}

void read_pacman_database(Packages& packages, BorrowedFd root) {
    constexpr std::size_t most_packages = 100'000;
    try {
        const auto local =
            open_beneath_if_exists(root, "var/lib/pacman/local", O_RDONLY | O_DIRECTORY, Links::inside_root);
        for (const std::string& name : local ? sorted_entries(*local, most_packages) : std::vector<std::string>{})
            read_database(packages, *local, (name + "/desc").c_str(), parse_pacman_description);
    } catch (const Failure&) {
        // As above.
    }
}

} // namespace

Packages installed_packages(BorrowedFd root) {
    Packages packages;
    read_database(packages, root, "var/lib/dpkg/status", parse_dpkg_status);
    read_database(packages, root, "lib/apk/db/installed", parse_apk_database);
    read_database(packages, root, "usr/lib/apk/db/installed", parse_apk_database);
    for (const std::string& path : rpm_databases())
        read_database(packages, root, path.c_str(), parse_rpm_database);
    read_pacman_database(packages, root);
    return packages;
}

std::string unread_package_database(BorrowedFd root) {
    for (const std::string& path : rpm_databases()) {
        try {
            const auto file = read_untrusted(root, path, largest_database);
            if (!file || rpm_headers(*file))
                continue;
        } catch (const Failure&) {
            // It is there, whatever it is.
        }
        return "rpm's, in '" + path + "'";
    }
    return {};
}

} // namespace machinist
