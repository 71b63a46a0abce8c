// SPDX-License-Identifier: LGPL-2.1-or-later
// How far a transfer has got, as whoever does it writes it down for others and for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace machinist {

struct TransferProgress {
    std::string stage;                  // "downloading", "unpacking", ...
    std::uint64_t bytes = 0;            // of this stage
    std::optional<std::uint64_t> total; // where it is known
    std::uint64_t rate = 0;             // bytes a second
    std::optional<std::uint64_t> left;  // microseconds, guessed

    // 0 to 1; 0 where the total is not known.
    [[nodiscard]] double fraction() const;
    friend bool operator==(const TransferProgress&, const TransferProgress&) = default;
};

// Lines "NAME=VALUE", the last one "END=1".
std::string write_transfer_progress(const TransferProgress& progress);
std::optional<TransferProgress> parse_transfer_progress(std::string_view text);

// "unpacking  42 %  88.1M of 210M, 61.3M/s, 2s left".
std::string transfer_progress_text(const TransferProgress& progress);
// The same behind a bar, in so many columns at most.
std::string transfer_progress_bar(const TransferProgress& progress, unsigned columns);

} // namespace machinist
