// SPDX-License-Identifier: LGPL-2.1-or-later
// A program of ours at work for us that answers over a socket of messages: it can be waited for with others, and goes
// when nobody wants its answers any more.
#pragma once

#include "kernel/pidfd.hpp"
#include "registry/entry.hpp"

namespace machinist {

class AnsweringProcess {
public:
    // socket: our end; the other is among the descriptors of prepared. Throws Failure if it cannot be started.
    AnsweringProcess(const PreparedEntry& prepared, UniqueFd socket);
    AnsweringProcess(AnsweringProcess&&) = default;
    AnsweringProcess& operator=(AnsweringProcess&&) = delete;
    AnsweringProcess(const AnsweringProcess&) = delete;
    AnsweringProcess& operator=(const AnsweringProcess&) = delete;
    // Ends it if it is not done.
    ~AnsweringProcess();

    // Readable once receive_message() does not wait.
    [[nodiscard]] BorrowedFd socket() const {
        return socket_;
    }

private:
    UniqueFd socket_;
    Pidfd process_;
};

} // namespace machinist
