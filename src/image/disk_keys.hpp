// SPDX-License-Identifier: LGPL-2.1-or-later
// What opens the encrypted filesystems of a disk image: asked for once, and known for as long as its machine may start
// again.
#pragma once

#include "base/unique_fd.hpp"
#include "spec/disk_opening.hpp"
#include "spec/disk_spec.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace machinist {

class DiskKeys {
public:
    // The next passphrase to try on what is named so; nothing: there are no more.
    using Ask = std::function<std::optional<std::string>(const std::string& what)>;

    // Without a way to ask, encrypted filesystems are refused.
    DiskKeys() = default;
    explicit DiskKeys(Ask ask) : ask_(std::move(ask)) {}

    // device: that filesystem, open for reading. Throws Failure(not_permitted) if no passphrase fits.
    const LuksOpening& opening_of(const DiskMount& part, BorrowedFd device);

    // A file in memory that holds them, for another process; none if there are none.
    [[nodiscard]] UniqueFd in_memory() const;
    static DiskKeys from_memory(BorrowedFd file);

private:
    const LuksOpening& remember(const DiskMount& part, LuksOpening opening);

    Ask ask_;
    std::map<std::uint64_t, LuksOpening> known_; // by offset in the image
    std::optional<std::string> last_;            // one passphrase often opens several
};

} // namespace machinist
