// SPDX-License-Identifier: LGPL-2.1-or-later
// The parts of read_bundle(): each reads one member of config.json.
#pragma once

#include "oci/bundle.hpp"
#include "oci/json_fields.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace machinist::oci {

struct BundleReading {
    Bundle& bundle;
    const Path& directory;
    Findings& findings;
    [[nodiscard]] BundleSettings& settings() const {
        return *bundle.settings.bundle;
    }
    [[nodiscard]] std::vector<ExtraMount>& mounts() const {
        return *bundle.settings.extra_mounts;
    }
};

void read_process(Fields process, BundleReading& reading);
// Of what is a member of the process.
void read_scheduling(Fields& process, BundleReading& reading);
void read_memory_policy(Fields wanted, BundleReading& reading);
void read_mounts(Fields& config, BundleReading& reading);
void read_linux(Fields part, BundleReading& reading);
void read_resources(Fields resources, BundleReading& reading);
// Of cgroup v2, by their names.
void read_group_files(Fields& resources, BundleReading& reading);
void read_seccomp(Fields seccomp, BundleReading& reading);

// Of the machine's scope; later ones win.
void add_property(BundleReading& reading, const std::string& name, const std::string& value);

// "12.50%" of one processor; nothing if it is none. Both in microseconds.
std::optional<std::string> cpu_quota(std::uint64_t quota, std::uint64_t period);
inline constexpr std::uint64_t usual_period = 100000;

// From the bundle if it is relative.
Path host_path(const Path& path, const Path& directory);

} // namespace machinist::oci
