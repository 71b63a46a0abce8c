// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/undo.hpp"

#include "supervisor/keeper/cgroup.hpp"
#include "supervisor/keeper/random_name.hpp"
#include "supervisor/keeper/removal.hpp"
#include "supervisor/keeper/report.hpp"
#include "supervisor/keeper/undo_program.hpp"

#include <cerrno>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace machinist::keeper {

namespace {

constexpr std::string_view aside_prefix = ".#removed.";

struct Context {
    Held held;
    Milliseconds until;
    Remains& remains;
};

enum class Result { done, unfinished, failed };

// The directory that a path is in, and its last component.
struct Place {
    UniqueFd parent;
    Text<255> name;
    std::string_view directory;
};

bool find_place(std::string_view path, Place& place) {
    const std::size_t slash = path.rfind('/');
    place.directory = {path.data(), slash == 0 ? 1 : slash};
    std::string_view name = path;
    name.remove_prefix(slash + 1);
    place.name << name;
    if (name.empty() || name == "." || name == ".." || place.name.cut()) {
        errno = EINVAL;
        return false;
    }
    Text<4096> directory;
    directory << place.directory;
    place.parent = UniqueFd{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    return static_cast<bool>(place.parent);
}

void note_aside(const Context& context, std::string_view line) {
    const UniqueFd file{
        ::openat(context.held.run_directory.get(), "undo", O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC)};
    if (file && ::write(file.get(), line.data(), line.size()) < 0)
        complain("note what is set aside", line, errno);
}

// Renames it, unless it is aside already; place.name is the new name then.
bool set_aside(const Context& context, std::string_view verb, Place& place, Text<4096>& line) {
    const bool is_aside = place.name.view().starts_with(aside_prefix);
    char random[17];
    Text<64> aside;
    if (is_aside)
        aside << place.name.view();
    else if (random_name(random))
        aside << aside_prefix << random;
    else
        return false;
    line << verb << ' ' << place.directory << (place.directory.size() > 1 ? "/" : "") << aside.view() << '\n';
    if (is_aside)
        return true;
    note_aside(context, line.view());
    if (::renameat2(place.parent.get(), place.name.c_str(), place.parent.get(), aside.c_str(), RENAME_NOREPLACE) < 0)
        return false;
    place.name.clear();
    place.name << aside.view();
    return true;
}

Result undo_tree(const Context& context, std::string_view verb, std::string_view path) {
    Place place;
    if (!find_place(path, place))
        return errno == ENOENT ? Result::done : Result::failed;
    struct stat status {};
    if (::fstatat(place.parent.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? Result::done : Result::failed;
    if (!S_ISDIR(status.st_mode))
        return ::unlinkat(place.parent.get(), place.name.c_str(), 0) == 0 ? Result::done : Result::failed;

    Text<4096> line;
    if (!set_aside(context, verb, place, line))
        return Result::failed;
    const bool subvolume = verb == "subvolume";
    switch ((subvolume ? remove_subvolume : remove_entry)(place.parent, place.name.c_str(), context.until)) {
    case Removal::done: return Result::done;
    case Removal::unfinished: context.remains.unfinished << line.view(); return Result::unfinished;
    case Removal::failed: break;
    }
    // Later tries find it under its new name.
    const int reason = errno;
    context.remains.failed << line.view();
    complain("undo", {line.c_str(), line.view().size() - 1}, reason);
    return Result::unfinished;
}

// A lock file goes with the last who uses it; whoever has opened it meanwhile sees that it is gone.
bool remove_lock_file(const char* path) {
    const UniqueFd file{::open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    if (!file)
        return errno == ENOENT || errno == ENOTDIR || errno == EROFS;
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::flock(file.get(), LOCK_EX | LOCK_NB) < 0 || ::fcntl(file.get(), F_OFD_SETLK, &whole) < 0)
        return true; // somebody else's by now
    struct stat by_path {};
    struct stat ours {};
    if (::lstat(path, &by_path) < 0 || ::fstat(file.get(), &ours) < 0 || by_path.st_ino != ours.st_ino ||
        by_path.st_dev != ours.st_dev)
        return true;
    return ::unlink(path) == 0 || errno == ENOENT;
}

// A cgroup that holds others or processes is not ENOTEMPTY but EBUSY.
bool is_gone_or_in_use(int reason) {
    return reason == ENOENT || reason == ENOTDIR || reason == ENOTEMPTY || reason == EEXIST || reason == EBUSY;
}

Result undo_line(const Context& context, std::string_view line) {
    std::string_view path_view = line;
    const std::string_view verb = take_until(path_view, ' ');
    Text<4096> path;
    path << path_view;
    if (!path_view.starts_with('/')) {
        errno = EINVAL;
        return Result::failed;
    }
    const auto result = [](bool success) { return success ? Result::done : Result::failed; };
    if (verb == "cgroup")
        return result(remove_cgroup(path.c_str()));
    if (verb == "unlink")
        return result(::unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR);
    if (verb == "lock")
        return result(remove_lock_file(path.c_str()));
    if (verb == "rmdir")
        return result(::rmdir(path.c_str()) == 0 || is_gone_or_in_use(errno));
    if (verb == "unlist")
        return result(unlist(path.view()));
    if (verb == "network")
        return result(undo_network(path.c_str(), context.held.run_directory, context.held.network));
    if (verb == "tree" || verb == "subvolume")
        return undo_tree(context, verb, path_view);
    errno = EINVAL;
    return Result::failed;
}

} // namespace

void undo(std::string_view lines, Held held, Milliseconds until, Remains& remains) {
    const Context context{held, until, remains};
    while (!lines.empty()) {
        const bool ended = lines.ends_with('\n');
        lines.remove_suffix(ended ? 1 : 0);
        const std::size_t before = lines.rfind('\n');
        std::string_view line = lines;
        line.remove_prefix(before == std::string_view::npos ? 0 : before + 1);
        lines.remove_suffix(line.size());
        if (line.empty() || undo_line(context, line) != Result::failed)
            continue;
        complain("undo", line, errno);
        remains.failed << line << '\n';
    }
}

} // namespace machinist::keeper
