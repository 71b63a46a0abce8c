// SPDX-License-Identifier: LGPL-2.1-or-later
// Files that belong to an image by its name and lie beside it on its server: settings, the root hash of its verity
// data, the signature of that, the data itself.
#pragma once

#include "transfer/fetch.hpp"
#include "transfer/new_image.hpp"
#include "transfer/verification.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

struct Companion {
    std::string suffix; // ".roothash"
    UniqueFd file;      // without a name, from its beginning
};

struct CompanionOrder {
    FetchRequest request; // the image's own
    bool settings = false;
    bool hashes = false; // what is about verity
    Verify verify = Verify::signature;
    std::vector<std::filesystem::path> keyrings;
    std::map<std::string, std::string> checksums; // those that the image was held against
    std::filesystem::path room;                   // where files without a name are made
};

// Those that the server has. With verification each needs a published sum, of the same list or of a file of its own;
// without one it is left out, which is said. Failure(hostile) for hashes that are not what was published, or that were
// published and are not there: without them the image would run unprotected.
std::vector<Companion> fetch_companions(const CompanionOrder& order, ProgressMeter& meter);

} // namespace machinist
