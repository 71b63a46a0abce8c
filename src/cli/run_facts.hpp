// SPDX-License-Identifier: LGPL-2.1-or-later
// What a request is resolved against: the image, the host, the settings file and the credentials that it names.
#pragma once

#include "image/disk_keys.hpp"
#include "spec/command_line.hpp"
#include "spec/image_facts.hpp"
#include "spec/resolve.hpp"
#include "spec/settings_file.hpp"

namespace machinist {

// The directory of the image that was asked for; a name is looked for in the image search path.
// Failure(not_found) for a name that is nowhere.
Path find_image(const StartRequest& request, const HostFacts& host);

// With --template and no tree yet, the template's facts. keys: of what is encrypted; they are asked for.
ImageFacts image_facts_for(const StartRequest& request, const Settings& settings, const Path& directory,
                           const HostFacts& host, DiskKeys& keys);

// What trusted settings say of where the image of that name lies, as if it had been asked for.
StartRequest request_for_name(const StartRequest& request);

// Empty if there is none or none is wanted.
SettingsFile read_settings_for(const StartRequest& request, const Path& image_directory, const HostFacts& host);

// What the spec names on the host and is not there: told before anything is made.
Problems missing_sources(const MachineSpec& spec);

LoadedCredentials load_credentials(const Settings& settings, const HostFacts& host);

} // namespace machinist
