// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/run_bundle.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace machinist {

namespace {

bool is_there(const BundleDevice& device) {
    struct stat status {};
    return ::stat(device.path.c_str(), &status) == 0 &&
           (device.is_block ? S_ISBLK(status.st_mode) : S_ISCHR(status.st_mode)) &&
           status.st_rdev == ::makedev(device.major, device.minor);
}

} // namespace

Bundle load_bundle(const StartRequest& request, const HostFacts& host) {
    const Path directory = (host.working_directory / *request.bundle).lexically_normal();
    return doing("read OCI bundle '" + directory.string() + "'", [&] {
        const UniqueFd opened = open_path(directory, O_RDONLY | O_DIRECTORY);
        const auto text = read_untrusted(opened, "config.json", largest_bundle_file);
        if (!text)
            throw Failure{FailureKind::not_found, "it has no config.json"};
        Bundle bundle = read_bundle(*text, directory, request.manner);
        for (const BundleDevice& device : bundle.devices)
            if (!is_there(device))
                bundle.problems.push_back({FailureKind::not_found,
                                           "linux.devices",
                                           device.path.string(),
                                           "config.json: 'linux.devices' wants '" +
                                               escaped_for_people(device.path.native()) +
                                               "', which is not that device on this host",
                                           {}});
        return bundle;
    });
}

StartRequest request_for_bundle(const StartRequest& request) {
    StartRequest changed = request;
    const Path& bundle = *request.bundle;
    if (!changed.machine && !changed.settings.ephemeral.value_or(false))
        changed.machine =
            MachineName::cleaned((bundle.has_filename() ? bundle : bundle.parent_path()).filename().native());
    // Its settings are no file that could be left out.
    if (changed.settings_use == SettingsUse::none)
        changed.settings_use = SettingsUse::yes;
    return changed;
}

} // namespace machinist
