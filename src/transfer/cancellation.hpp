// SPDX-License-Identifier: LGPL-2.1-or-later
// Whoever started a transfer may want no more of it. A descriptor tells, so that also those see it who wait for bytes.
#pragma once

#include "base/unique_fd.hpp"

namespace machinist {

class Cancellation {
public:
    Cancellation();

    // Readable from then on. Safe in a signal's handler.
    void cancel() const noexcept;
    // Throws Failure(busy): "canceled".
    void check() const;
    [[nodiscard]] BorrowedFd descriptor() const {
        return event_;
    }

private:
    UniqueFd event_;
};

// Waits until a descriptor can be read from (POLLIN) or written to (POLLOUT). Throws as check() does; a cancellation
// that is nobody's (-1) never comes.
void wait_unless_canceled(BorrowedFd descriptor, short events, BorrowedFd cancellation);

} // namespace machinist
