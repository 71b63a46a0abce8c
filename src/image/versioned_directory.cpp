// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/versioned_directory.hpp"

#include "base/text.hpp"
#include "image/binary_architecture.hpp"
#include "image/version_order.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <array>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

namespace machinist {

namespace {

struct Version {
    std::string_view text;
    std::string_view architecture;
    bool used_up = false;
};

// "1.2_x86-64+3-0"
std::optional<Version> parse(std::string_view text) {
    Version version;
    if (const auto plus = text.rfind('+'); plus != std::string_view::npos) {
        const auto counters = split(text.substr(plus + 1), '-');
        const auto left = parse_integer<unsigned>(counters[0]);
        if (!left || counters.size() > 2 || (counters.size() == 2 && !parse_integer<unsigned>(counters[1])))
            return std::nullopt;
        version.used_up = *left == 0;
        text = text.substr(0, plus);
    }
    if (const auto underscore = text.rfind('_'); underscore != std::string_view::npos) {
        version.architecture = text.substr(underscore + 1);
        text = text.substr(0, underscore);
    }
    version.text = text;
    return text.empty() ? std::nullopt : std::optional{version};
}

struct CloseDirectory {
    void operator()(DIR* directory) const {
        ::closedir(directory);
    }
};

const std::string& own_architecture() {
    static const std::string architecture = [] {
        const auto file = open_path_if_exists("/proc/self/exe", O_RDONLY);
        return file ? architecture_of_elf(read_all(*file, 20)) : std::string{};
    }();
    return architecture;
}

} // namespace

std::optional<std::string> newest_version(const std::vector<std::string>& names, std::string_view name,
                                          std::string_view suffix, std::string_view architecture) {
    std::optional<std::pair<Version, std::string>> newest;
    for (const std::string& candidate : names) {
        std::string_view text = candidate;
        if (!text.starts_with(std::string{name} + "_") || !text.ends_with(suffix) ||
            text.size() < name.size() + 1 + suffix.size())
            continue;
        text.remove_prefix(name.size() + 1);
        text.remove_suffix(suffix.size());
        const auto version = parse(text);
        if (!version || (!version->architecture.empty() && version->architecture != architecture))
            continue;
        const auto is_newer = [&] {
            const Version& best = newest->first;
            if (version->used_up != best.used_up)
                return best.used_up;
            const int order = compare_versions(version->text, best.text);
            return order != 0 ? order > 0 : candidate > newest->second;
        };
        if (!newest || is_newer())
            newest = {*version, candidate};
    }
    return newest ? std::optional{newest->second} : std::nullopt;
}

std::optional<std::string> newest_version_in(BorrowedFd directory, std::string_view name, std::string_view suffix) {
    UniqueFd listed = open_beneath(directory, ".", O_RDONLY | O_DIRECTORY, Links::refuse);
    const std::unique_ptr<DIR, CloseDirectory> listing{::fdopendir(listed.get())};
    if (!listing)
        return std::nullopt;
    (void)listed.release();
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(listing.get()))
        names.emplace_back(entry->d_name);
    return newest_version(names, name, suffix, own_architecture());
}

} // namespace machinist
