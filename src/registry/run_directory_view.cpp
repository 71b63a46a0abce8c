// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/run_directory_view.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/file_locks.hpp"
#include "kernel/files.hpp"
#include "spec/spec_json.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>

namespace machinist {

namespace {

constexpr std::size_t largest_file = std::size_t{8} << 20;

} // namespace

std::optional<RunDirectoryView> RunDirectoryView::open(const std::filesystem::path& path) {
    UniqueFd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (directory)
        return RunDirectoryView{path, std::move(directory)};
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EACCES)
        return std::nullopt;
    throw system_failure("open run directory '" + path.string() + "'");
}

bool RunDirectoryView::is_kept() const {
    const UniqueFd lock{::openat(directory_.get(), "lock", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    return lock && is_locked(lock);
}

std::string RunDirectoryView::read(const char* name) const {
    const UniqueFd file{::openat(directory_.get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    return file ? read_all(file, largest_file) : std::string{};
}

std::optional<RecordedLeader> RunDirectoryView::leader() const {
    return parse_recorded_leader(read("leader"));
}

std::optional<std::uint32_t> RunDirectoryView::owner() const {
    return parse_integer<std::uint32_t>(trimmed(read("owner")));
}

std::optional<MachineSpec> RunDirectoryView::spec() const {
    const std::string text = read("spec.json");
    if (text.empty())
        return std::nullopt;
    try {
        return spec_from_json(text);
    } catch (const Failure&) {
        return std::nullopt;
    }
}

std::map<std::string, std::string> RunDirectoryView::notifications() const {
    std::map<std::string, std::string> fields;
    const std::string text = read("notify");
    for (const std::string_view line : split(text, '\n'))
        if (const std::size_t sign = line.find('='); sign != std::string_view::npos)
            fields.insert_or_assign(std::string{line.substr(0, sign)}, std::string{line.substr(sign + 1)});
    return fields;
}

std::vector<std::string> RunDirectoryView::undo_lines() const {
    std::vector<std::string> lines;
    const std::string text = read("undo");
    for (const std::string_view line : split(text, '\n'))
        if (!line.empty())
            lines.emplace_back(line);
    return lines;
}

std::vector<std::string> names_in(const std::filesystem::path& directory) {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored))
        names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
}

} // namespace machinist
