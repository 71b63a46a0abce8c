// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the registry looks. The defaults are the host's; tests have trees of their own.
#pragma once

#include "image/id_range_store.hpp"
#include "image/layer.hpp"
#include "spec/run_directory.hpp"

#include <filesystem>
#include <vector>

namespace machinist {

struct Places {
    std::filesystem::path runtime{"/run/machinist"}; // nothing is mounted below it for the host
    std::filesystem::path run_directories{run_directory::root};
    std::filesystem::path state_files{run_directory::state_files};
    std::filesystem::path layers{layer_pool};
    std::filesystem::path id_range_locks = IdRangeStore::Places{}.locks;
    std::filesystem::path cgroups;             // where they are mounted; empty: none is looked at
    std::vector<std::filesystem::path> images; // directories that images lie in, or what they share
    std::filesystem::path supervisor_program;  // undoes
    std::filesystem::path enter_program;       // joins machines
    std::filesystem::path image_program;       // changes images, and looks into them
};

} // namespace machinist
