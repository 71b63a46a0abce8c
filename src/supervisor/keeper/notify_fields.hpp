// SPDX-License-Identifier: LGPL-2.1-or-later
// What process 1 told by sd_notify: one message taken apart, and the latest value of each field.
#pragma once

#include "base/unique_fd.hpp"

#include <cstddef>
#include <string_view>

namespace machinist::keeper {

// As systemd: larger ones are not looked at.
inline constexpr std::size_t largest_message = 4096;

// The views are of the message.
struct NotifyMessage {
    bool ready = false;
    bool tells_status = false;
    bool signals_installed = false; // something that systemd sends only once its signal handlers are there
    bool store = false;             // FDSTORE=1
    bool remove = false;            // FDSTOREREMOVE=1
    bool no_poll = false;           // FDPOLL=0
    std::string_view status;
    std::string_view fd_name; // "" if absent or not valid
};

class NotifyFields {
public:
    // The bytes of one datagram. Fields that nobody asks for are left out. A message with a zero byte is refused.
    NotifyMessage take(std::string_view message);
    [[nodiscard]] bool changed() const {
        return changed_;
    }
    // "KEY=VALUE\n" each, in the file "notify", which is old or new and never between.
    void write(BorrowedFd run_directory);
    [[nodiscard]] std::string_view text() const {
        return {text_, length_};
    }

private:
    void keep(std::string_view key, std::string_view value);

    // Room for every key at its greatest length: no field can push another out (rule R15).
    static constexpr std::size_t capacity = 4096;
    static constexpr std::size_t most_unknown = 8;
    std::size_t length_ = 0;
    std::size_t unknown_ = 0;
    bool changed_ = false;
    char text_[capacity];
};

} // namespace machinist::keeper
