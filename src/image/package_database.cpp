// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/package_database.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"

namespace machinist {

namespace {

constexpr std::size_t largest_database = std::size_t{64} << 20;

struct Package {
    std::string_view name;
    std::string_view version;
    std::string_view architecture;
    bool is_installed = false;
};

void add(std::map<std::string, std::string>& packages, const Package& package) {
    if (package.is_installed && !package.name.empty() && !package.version.empty())
        packages[std::string{package.name} + (package.architecture.empty() ? "" : ":") +
                 std::string{package.architecture}] = package.version;
}

} // namespace

std::map<std::string, std::string> parse_dpkg_status(std::string_view text) {
    std::map<std::string, std::string> packages;
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

std::map<std::string, std::string> installed_packages(BorrowedFd root) {
    try {
        return parse_dpkg_status(read_untrusted(root, "var/lib/dpkg/status", largest_database).value_or(""));
    } catch (const Failure&) {
        return {};
    }
}

} // namespace machinist
