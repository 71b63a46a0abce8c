// SPDX-License-Identifier: LGPL-2.1-or-later
// The part of fetching that speaks with a server, in the calling process.
#pragma once

#include "transfer/fetch.hpp"

#include <functional>

namespace machinist {

Fetched fetch_here(const FetchRequest& request, BorrowedFd into,
                   const std::function<void(std::uint64_t bytes, std::uint64_t total)>& tell);

} // namespace machinist
