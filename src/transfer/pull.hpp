// SPDX-License-Identifier: LGPL-2.1-or-later
// Images from web servers.
#pragma once

#include "image/pool.hpp"
#include "spec/image_class.hpp"
#include "transfer/new_image.hpp"
#include "transfer/verification.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace machinist {

enum class PullKind { tar, raw };

struct PullOptions {
    Verify verify = Verify::signature;
    bool keep_download = false; // as an image of its own, hidden, so that the next pull of the same is a copy
    bool may_be_file = false;
    bool settings = true; // "NAME.nspawn" beside it; what is about verity comes with each disk
    std::vector<std::filesystem::path> keyrings = default_keyrings();
    std::chrono::seconds patience{60};
    NewImageOptions image;
};

// name: "" for what is kept alone. The image is whole and verified when this returns, and nothing is there if it
// throws.
void pull_image(const Pool& pool, PullKind kind, const std::string& url, const std::string& name,
                const PullOptions& options, ProgressMeter& meter);

// ".tar-http:\x2f\x2fhost\x2fweb\x2etar.ETAG": the name under which a download is kept. Pure.
std::string name_of_download(PullKind kind, const std::string& url, const std::string& etag);

} // namespace machinist
