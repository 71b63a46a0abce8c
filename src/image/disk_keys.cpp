// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/disk_keys.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/disk_unlock.hpp"
#include "kernel/files.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace machinist {

const LuksOpening& DiskKeys::opening_of(const DiskMount& part, BorrowedFd device) {
    if (const auto known = known_.find(part.offset); known != known_.end())
        return known->second;
    if (last_)
        if (auto opening = unlock(device, *last_))
            return remember(part, std::move(*opening));
    bool was_asked = false;
    while (auto passphrase = ask_ ? ask_(part.name) : std::nullopt) {
        was_asked = true;
        auto opening = unlock(device, *passphrase);
        if (!opening)
            continue;
        last_ = std::move(passphrase);
        return remember(part, std::move(*opening));
    }
    throw Failure{FailureKind::not_permitted, was_asked || last_
                                                  ? "open it: it is encrypted with another passphrase"
                                                  : "open it: it is encrypted, and nobody gave a passphrase"}
        .try_instead("a terminal to be asked on, or --load-credential=dissect.passphrase:FILE");
}

const LuksOpening& DiskKeys::remember(const DiskMount& part, LuksOpening opening) {
    return known_.insert_or_assign(part.offset, std::move(opening)).first->second;
}

UniqueFd DiskKeys::in_memory() const {
    if (known_.empty())
        return {};
    UniqueFd file{::memfd_create("disk-keys", MFD_CLOEXEC)};
    if (!file)
        throw system_failure("make a file in memory");
    for (const auto& [offset, opening] : known_)
        write_all(file, std::to_string(offset) + " " + text_of(opening));
    return file;
}

DiskKeys DiskKeys::from_memory(BorrowedFd file) {
    DiskKeys keys;
    if (!file)
        return keys;
    if (::lseek(file.get(), 0, SEEK_SET) < 0)
        throw system_failure("rewind a file in memory");
    const std::string text = read_all(file);
    for (const std::string_view line : split(text, '\n')) {
        const std::size_t blank = line.find(' ');
        const auto offset = parse_integer<std::uint64_t>(line.substr(0, blank));
        auto opening = blank == std::string_view::npos ? std::nullopt
                                                       : parse_luks_opening(std::string{line.substr(blank + 1)} + "\n");
        if (offset && opening)
            keys.known_.emplace(*offset, std::move(*opening));
    }
    return keys;
}

} // namespace machinist
