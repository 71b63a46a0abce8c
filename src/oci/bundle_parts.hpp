// SPDX-License-Identifier: LGPL-2.1-or-later
// The parts of read_bundle(): each reads one member of config.json.
#pragma once

#include "oci/bundle.hpp"
#include "oci/json_fields.hpp"

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
void read_mounts(Fields& config, BundleReading& reading);
void read_linux(Fields part, BundleReading& reading);
void read_resources(Fields resources, BundleReading& reading);
void read_seccomp(Fields seccomp, BundleReading& reading);

// From the bundle if it is relative.
Path host_path(const Path& path, const Path& directory);

} // namespace machinist::oci
