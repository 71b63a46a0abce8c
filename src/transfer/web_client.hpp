// SPDX-License-Identifier: LGPL-2.1-or-later
// The part of fetching that speaks with a server, in the calling process.
#pragma once

#include "transfer/fetch.hpp"

#include <filesystem>
#include <functional>
#include <string>

namespace machinist {

// Whom to believe who a server is, instead of those that the host believes.
struct Certificates {
    std::string bundle;              // of PEM, as text; "": the host's
    std::filesystem::path directory; // of hashed names, read when it is needed; "": the host's
};
// By SSL_CERT_FILE and SSL_CERT_DIR, as OpenSSL's own tools take them. For root, whose files nobody may not read.
Certificates chosen_certificates();

Fetched fetch_here(const FetchRequest& request, const Certificates& certificates, BorrowedFd into,
                   const std::function<void(std::uint64_t bytes, std::uint64_t total)>& tell);

} // namespace machinist
