// SPDX-License-Identifier: LGPL-2.1-or-later
// /run/systemd/machines: a file a machine, and "unit:UNIT" links by which libsystemd finds the machine of a unit.
#pragma once

#include "spec/machine_record.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

class StateDirectory {
public:
    // quarantine: where files go that nobody can read.
    StateDirectory(std::filesystem::path directory, std::filesystem::path quarantine)
        : directory_(std::move(directory)), quarantine_(std::move(quarantine)) {}

    // The link only for a machine that is all of its unit.
    void write(const MachineRecord& record, bool owns_unit) const;
    // A file that tells of another leader by now is somebody else's and stays.
    void remove(const MachineRecord& record) const;
    // Nothing for no such file, or for one that is none of a machine: that one is put aside and told of.
    [[nodiscard]] std::optional<MachineRecord> read(const std::string& name) const;
    // The machine is all of that unit.
    [[nodiscard]] bool has_link(const MachineRecord& record) const;
    // Valid names, sorted. Makes the directory.
    [[nodiscard]] std::vector<std::string> names() const;
    // Links of units without a machine behind them.
    void remove_stale_links() const;

    [[nodiscard]] const std::filesystem::path& path() const {
        return directory_;
    }

private:
    void put_aside(const std::string& name, const std::string& why) const;

    std::filesystem::path directory_;
    std::filesystem::path quarantine_;
};

} // namespace machinist
