// SPDX-License-Identifier: LGPL-2.1-or-later
// The entries of a tar archive in their order: ustar, GNU and pax forms, sparse files. Nothing of it is trusted.
#pragma once

#include "transfer/extraction_limits.hpp"
#include "transfer/input_stream.hpp"
#include "transfer/tar_entry.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace machinist {

class TarReader {
public:
    using Warn = std::function<void(std::string_view sentence)>;

    TarReader(InputStream& stream, const ExtractionLimits& limits, Warn warn);
    TarReader(const TarReader&) = delete;
    TarReader& operator=(const TarReader&) = delete;
    ~TarReader();

    // The next entry. Nothing at the end, which has been looked at then to the last byte: Failure(hostile) for an
    // archive that is cut off or has something behind its end, and for whatever is above a limit.
    std::optional<TarEntry> next();

    // A part of the current entry's contents, good until the next call.
    struct Part {
        Bytes bytes;
        std::uint64_t offset = 0; // in the file: between parts are holes
    };
    std::optional<Part> next_part();

    [[nodiscard]] std::uint64_t entries() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace machinist
