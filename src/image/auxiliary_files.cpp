// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/auxiliary_files.hpp"

#include "base/failure.hpp"
#include "image/directory_entries.hpp"
#include "image/file_copy.hpp"
#include "image/succession.hpp"
#include "kernel/file_locks.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::array<const char*, 10> suffixes{
    ".nspawn",      ".oci-config", ".roothash",     ".roothash.p7s",      ".usrhash",
    ".usrhash.p7s", ".verity",     ".raw.tpmstate", ".raw.efinvramstate", ".raw.efinvramstate.bak"};

constexpr const char* brought_mark = "user.machinist.brought";
constexpr std::size_t most_drop_ins = 4096;
constexpr const char* drop_ins_suffix = ".nspawn.d";

bool is_there(const std::filesystem::path& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

bool are_the_same(const std::filesystem::path& one, const std::filesystem::path& other) {
    struct stat first {};
    struct stat second {};
    return ::lstat(one.c_str(), &first) == 0 && ::lstat(other.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

void copy_drop_ins(const std::filesystem::path& from, const std::filesystem::path& to) {
    const UniqueFd listed = open_path(from, O_RDONLY | O_DIRECTORY);
    for (const std::string& name : sorted_entries(listed, most_drop_ins)) {
        struct stat status {};
        if (name.starts_with('.') || ::fstatat(listed.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(status.st_mode) || is_there(to / name))
            continue;
        make_directories(to, 0755);
        (void)copy_file_whole(from / name, to / name);
    }
}

} // namespace

std::vector<std::filesystem::path> auxiliary_places(const PoolPlaces& places, const std::filesystem::path& directory,
                                                    std::string_view name) {
    std::vector<std::filesystem::path> found;
    for (const auto& settings : places.settings)
        for (const char* suffix : {".nspawn", drop_ins_suffix})
            found.push_back(settings / (std::string{name} + suffix));
    for (const char* suffix : suffixes)
        found.push_back(directory / (std::string{name} + suffix));
    return found;
}

AuxiliaryMove::AuxiliaryMove(const PoolPlaces& places, const std::filesystem::path& directory, std::string_view from,
                             std::string_view to)
    : from_(auxiliary_places(places, directory, from)), to_(auxiliary_places(places, directory, to)) {
    finish_successions_in(directory);
}

void AuxiliaryMove::prepare() const {
    for (std::size_t at = 0; at < from_.size(); ++at)
        // A directory cannot be linked: it moves at the end.
        if (::link(from_[at].c_str(), to_[at].c_str()) < 0 && errno != ENOENT && errno != EEXIST && errno != EPERM)
            throw system_failure("link '" + from_[at].string() + "' to '" + to_[at].string() + "'");
}

void AuxiliaryMove::finish() const {
    for (std::size_t at = 0; at < from_.size(); ++at) {
        if (are_the_same(from_[at], to_[at]))
            ::unlink(from_[at].c_str());
        else if (is_there(from_[at]))
            ::renameat2(AT_FDCWD, from_[at].c_str(), AT_FDCWD, to_[at].c_str(), RENAME_NOREPLACE);
    }
}

void copy_auxiliary_files(const PoolPlaces& places, const std::filesystem::path& from_directory, std::string_view from,
                          const std::filesystem::path& to_directory, std::string_view to) {
    finish_successions_in(from_directory);
    const auto sources = auxiliary_places(places, from_directory, from);
    const auto targets = auxiliary_places(places, to_directory, to);
    for (std::size_t at = 0; at < sources.size(); ++at) {
        struct stat status {};
        if (sources[at].native().ends_with(drop_ins_suffix) && std::filesystem::is_directory(sources[at])) {
            copy_drop_ins(sources[at], targets[at]);
            continue;
        }
        // The state of virtual hardware belongs to one machine, and keys may be in it.
        const bool is_state = sources[at].native().ends_with("state") || sources[at].native().ends_with(".bak");
        if (is_state || ::lstat(sources[at].c_str(), &status) < 0 || !S_ISREG(status.st_mode) || is_there(targets[at]))
            continue;
        (void)copy_file_whole(sources[at], targets[at]);
    }
}

void remove_auxiliary_files(const PoolPlaces& places, const std::filesystem::path& directory, std::string_view name) {
    for (const auto& path : auxiliary_places(places, directory, name)) {
        if (::unlink(path.c_str()) == 0 || errno == ENOENT)
            continue;
        if (errno == EISDIR || errno == EPERM)
            remove_tree(open_path(path.parent_path(), O_RDONLY | O_DIRECTORY), path.filename().string());
        else if (errno != EROFS)
            throw system_failure("remove '" + path.string() + "'");
    }
}

void mark_as_brought(BorrowedFd file, bool brought) noexcept {
    (void)(brought ? ::fsetxattr(file.get(), brought_mark, "1", 1, 0) : ::fremovexattr(file.get(), brought_mark));
}

std::vector<std::filesystem::path> brought_for_nothing(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> found;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator{directory, ignored}) {
        const std::string name = entry.path().filename().string();
        const auto suffix = std::ranges::find_if(suffixes, [&](const char* each) { return name.ends_with(each); });
        if (suffix == suffixes.end())
            continue;
        const auto stem = directory / name.substr(0, name.size() - std::strlen(*suffix));
        const UniqueFd file{::open(entry.path().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
        if (!file || ::fgetxattr(file.get(), brought_mark, nullptr, 0) < 0 || is_locked(file) || is_there(stem) ||
            is_there(stem.string() + ".raw") || is_there(stem.string() + ".mstack"))
            continue;
        found.push_back(entry.path());
    }
    return found;
}

} // namespace machinist
