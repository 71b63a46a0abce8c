// SPDX-License-Identifier: LGPL-2.1-or-later
// One run directory as others than its owner see it: whether somebody keeps it, and what its files say.
#pragma once

#include "base/unique_fd.hpp"
#include "registry/recorded_leader.hpp"
#include "spec/machine_spec.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

class RunDirectoryView {
public:
    // Nothing if there is none, or the caller may not look into it.
    static std::optional<RunDirectoryView> open(const std::filesystem::path& path);

    // A supervisor or a launcher holds its lock: else it is a remnant.
    [[nodiscard]] bool is_kept() const;
    [[nodiscard]] std::optional<RecordedLeader> leader() const;
    // As it was started; nothing if it is not written yet or by another version.
    [[nodiscard]] std::optional<MachineSpec> spec() const;
    // The user it was started for, if that is somebody else than root.
    [[nodiscard]] std::optional<std::uint32_t> owner() const;
    // What process 1 told: READY, STATUS, ... Values are what the machine says, to be shown with care.
    [[nodiscard]] std::map<std::string, std::string> notifications() const;
    // The lines, first to last.
    [[nodiscard]] std::vector<std::string> undo_lines() const;
    [[nodiscard]] const std::filesystem::path& path() const {
        return path_;
    }

private:
    RunDirectoryView(std::filesystem::path path, UniqueFd directory)
        : path_(std::move(path)), directory_(std::move(directory)) {}
    [[nodiscard]] std::string read(const char* name) const;

    std::filesystem::path path_;
    UniqueFd directory_;
};

// Names of all in the directory, sorted; empty if it is missing or may not be read.
std::vector<std::string> names_in(const std::filesystem::path& directory);

} // namespace machinist
