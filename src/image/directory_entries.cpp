// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/directory_entries.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/syscalls.hpp"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string_view>
#include <utility>

namespace machinist {

namespace {

struct CloseDirectory {
    void operator()(DIR* listing) const {
        ::closedir(listing);
    }
};

} // namespace

std::optional<UniqueFd> enter_directory(BorrowedFd parent, const std::string& name) {
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
    UniqueFd directory{sys::openat2(parent.get(), name.c_str(), how)};
    return directory ? std::optional{std::move(directory)} : std::nullopt;
}

std::vector<std::string> sorted_entries(BorrowedFd directory, std::size_t most) {
    UniqueFd listed = open_beneath(directory, ".", O_RDONLY | O_DIRECTORY, Links::refuse);
    const std::unique_ptr<DIR, CloseDirectory> listing{::fdopendir(listed.get())};
    if (!listing)
        throw system_failure("list a directory of the image");
    (void)listed.release();
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(listing.get())) {
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..")
            continue;
        if (names.size() == most)
            throw Failure{FailureKind::hostile,
                          "list a directory of the image: it has more than " + std::to_string(most) + " entries"};
        names.emplace_back(name);
    }
    std::ranges::sort(names);
    return names;
}

} // namespace machinist
