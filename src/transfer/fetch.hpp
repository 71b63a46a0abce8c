// SPDX-License-Identifier: LGPL-2.1-or-later
// A file of a web server, fetched by an unprivileged process. Interrupted transfers go on where they were.
#pragma once

#include "base/unique_fd.hpp"
#include "transfer/progress_meter.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

struct FetchRequest {
    std::string url;
    std::uint64_t most = 0;               // bytes; more is refused
    bool may_be_missing = false;          // by 404 and 410
    bool may_be_file = false;             // file:// is allowed
    std::vector<std::string> known_etags; // of what need not be fetched
    std::chrono::seconds patience{60};    // without a byte
    std::vector<std::string> headers;     // "NAME: VALUE"; one with rights is shown to this very server only
    bool may_be_refused = false;          // by 401, which is answered by what the server wants to see
    bool is_immutable = false;            // the same bytes whenever it is asked for, and its digest is known
};

struct Fetched {
    bool found = false;
    bool unchanged = false;               // the server has what has this etag
    std::string etag;                     // strong ones only
    std::optional<std::string> challenge; // refused: what it wants to see
};

// Throws Failure(invalid) unless it is http or https (or file, where allowed), without a user name or blanks.
void check_url(const std::string& url, bool may_be_file);

// into: empty. Throws Failure; an http(s) server may send elsewhere, but never from https to http.
Fetched fetch(const FetchRequest& request, BorrowedFd into, ProgressMeter& meter);
// A small one, as text. Nothing if it is missing.
std::optional<std::string> fetch_text(FetchRequest request, ProgressMeter& meter);

} // namespace machinist
