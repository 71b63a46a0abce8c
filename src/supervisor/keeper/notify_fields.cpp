// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/notify_fields.hpp"

#include "supervisor/keeper/printable.hpp"
#include "supervisor/keeper/report.hpp"
#include "supervisor/keeper/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <stdio.h>

namespace machinist::keeper {

namespace {

constexpr std::size_t longest_status = 512;
constexpr std::size_t longest_value = 128;
constexpr std::size_t longest_key = 40;
constexpr std::string_view systemd_prefix = "X_SYSTEMD_";

// READY and STATUS of D3 and D4, EXIT_STATUS of D8; the rest is D5 to D8.
constexpr std::string_view known[] = {
    "READY",         "STATUS",      "STOPPING",      "EXIT_STATUS", "MACHINE_ID",       "HOSTNAME",
    "SIGNALS_LEVEL", "UNIT_ACTIVE", "UNIT_INACTIVE", "SHUTDOWN",    "REBOOT_PARAMETER",
};
constexpr std::size_t first_of_systemd = 4;

bool is_known(std::string_view key) {
    for (std::size_t i = 0; i < std::size(known); ++i) {
        std::string_view rest = key;
        if (i >= first_of_systemd) {
            if (!rest.starts_with(systemd_prefix))
                continue;
            rest.remove_prefix(systemd_prefix.size());
        }
        if (rest == known[i])
            return true;
    }
    return false;
}

bool is_kept(std::string_view key) {
    return key.size() <= longest_key && (is_known(key) || key.starts_with(systemd_prefix)) &&
           std::all_of(key.begin(), key.end(),
                       [](char c) { return c == '_' || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

// As systemd's fdname_is_valid().
bool is_descriptor_name(std::string_view name) {
    return !name.empty() && name.size() <= 240 &&
           std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' - 1 && c < 127 && c != ':'; });
}

} // namespace

NotifyMessage NotifyFields::take(std::string_view message) {
    NotifyMessage told;
    if (message.find('\0') != std::string_view::npos)
        return told;
    while (!message.empty()) {
        const std::string_view line = take_until(message, '\n');
        std::string_view value = line;
        const std::string_view key = take_until(value, '=');
        if (key.size() == line.size())
            continue;
        if (key == "READY") {
            // Once ready, always ready; anything but 1 has no meaning.
            if (value != "1")
                continue;
            told.ready = told.signals_installed = true;
        } else if (key == "STATUS") {
            told.tells_status = told.signals_installed = true;
            told.status = value;
        } else if (key == "X_SYSTEMD_SIGNALS_LEVEL")
            told.signals_installed = true;
        else if (key == "FDSTORE")
            told.store = value == "1";
        else if (key == "FDSTOREREMOVE")
            told.remove = value == "1";
        else if (key == "FDPOLL")
            told.no_poll = value == "0";
        else if (key == "FDNAME")
            told.fd_name = is_descriptor_name(value) ? value : std::string_view{};
        if (is_kept(key))
            keep(key, value);
    }
    return told;
}

void NotifyFields::keep(std::string_view key, std::string_view value) {
    Text<longest_status> clean;
    make_printable(value, clean, key == "STATUS" ? longest_status : longest_value);

    bool was_there = false;
    std::string_view rest = text();
    std::size_t kept = 0;
    while (!rest.empty()) {
        const std::string_view line = take_until(rest, '\n');
        if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == '=') {
            was_there = true;
            continue;
        }
        std::memmove(text_ + kept, line.data(), line.size() + 1);
        kept += line.size() + 1;
    }
    if (!was_there && !is_known(key)) {
        if (unknown_ == most_unknown)
            return;
        ++unknown_;
    }
    length_ = kept;
    for (const std::string_view part : {key, std::string_view{"="}, clean.view(), std::string_view{"\n"}}) {
        std::memcpy(text_ + length_, part.data(), part.size());
        length_ += part.size();
    }
    static_assert(longest_status + (std::size(known) + most_unknown) * (longest_key + longest_value + 2) <= capacity);
    changed_ = true;
}

void NotifyFields::write(BorrowedFd run_directory) {
    changed_ = false;
    const UniqueFd file{
        ::openat(run_directory.get(), ".notify", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!file || ::write(file.get(), text_, length_) != static_cast<ssize_t>(length_) ||
        ::renameat(run_directory.get(), ".notify", run_directory.get(), "notify") < 0)
        complain("write what the machine told", "notify", errno);
}

} // namespace machinist::keeper
