// SPDX-License-Identifier: LGPL-2.1-or-later
// Looks at a directory tree without trusting it, without running, following or waiting for anything in it (rule R13).
#pragma once

#include "base/unique_fd.hpp"
#include "spec/image_facts.hpp"

#include <filesystem>
#include <string>

namespace machinist {

struct WantedImageFacts {
    bool init = true; // needed for boot only
    bool os_release = true;
    bool architecture = true;
    bool accounts = false; // the texts of its users and groups
    std::string timezone;  // the host's, "" = has_zoneinfo_of_host is not looked for
};

// A directory that does not exist is a fact (exists == false). What is odd in the tree is told in facts.oddities.
// Of a mount stack: of what its layers show together.
ImageFacts read_image_facts(const std::filesystem::path& directory, const WantedImageFacts& wanted = {});

// What the tree itself tells, into facts.
void read_tree_facts(BorrowedFd root, const WantedImageFacts& wanted, ImageFacts& facts);

} // namespace machinist
