// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hostile/entries.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <vector>

namespace machinist::testing {

namespace {

using Path = std::filesystem::path;

constexpr unsigned unused_major = 511;

struct Place {
    UniqueFd parent;
    std::string name;
};

// The tree under construction is nobody's but ours, but it may be a twisted one already.
Place place_for(BorrowedFd tree, const Path& path) {
    Place place{make_directories_beneath(tree, path.parent_path(), 0755, Links::inside_root), path.filename()};
    remove_tree(place.parent, place.name);
    return place;
}

void check(int result, const Path& path) {
    if (result < 0)
        throw system_failure("make '" + path.string() + "' for a test");
}

void put_node(BorrowedFd tree, const Path& path, mode_t mode, dev_t device) {
    const Place place = place_for(tree, path);
    check(::mknodat(place.parent.get(), place.name.c_str(), mode, device), path);
}

UniqueFd make_file(BorrowedFd tree, const Path& path, mode_t mode) {
    const Place place = place_for(tree, path);
    UniqueFd file{::openat(place.parent.get(), place.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)};
    check(file.get(), path);
    return file;
}

} // namespace

void clear(BorrowedFd tree, const Path& path) {
    place_for(tree, path);
}

void clear_all(BorrowedFd tree) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{path_of_descriptor(tree)})
        names.push_back(entry.path().filename());
    for (const auto& name : names)
        remove_tree(tree, name);
}

void put_file(BorrowedFd tree, const Path& path, const std::string& text) {
    write_all(make_file(tree, path, 0644), text);
}

void put_program(BorrowedFd tree, const Path& path, const std::string& text) {
    write_all(make_file(tree, path, 0755), text);
}

void put_huge_file(BorrowedFd tree, const Path& path) {
    const UniqueFd file = make_file(tree, path, 0755);
    for (off_t size = off_t{8} << 40; size > 0; size /= 2)
        if (::ftruncate(file.get(), size) == 0)
            return;
    check(-1, path);
}

void put_directory(BorrowedFd tree, const Path& path, mode_t mode) {
    const Place place = place_for(tree, path);
    check(::mkdirat(place.parent.get(), place.name.c_str(), 0700), path);
    check(::fchmodat(place.parent.get(), place.name.c_str(), mode, 0), path);
}

void put_deep_directories(BorrowedFd tree, const Path& path, int depth) {
    Place place = place_for(tree, path);
    for (int i = 0; i < depth; ++i) {
        check(::mkdirat(place.parent.get(), place.name.c_str(), 0755), path);
        place.parent = open_beneath(place.parent, place.name, O_PATH | O_DIRECTORY, Links::refuse);
        place.name = std::string(200, 'd');
    }
}

void put_link(BorrowedFd tree, const Path& path, const Path& target) {
    const Place place = place_for(tree, path);
    check(::symlinkat(target.c_str(), place.parent.get(), place.name.c_str()), path);
}

void put_hard_link(BorrowedFd tree, const Path& path, const Path& target) {
    {
        const Place place = place_for(tree, path);
        if (::linkat(AT_FDCWD, target.c_str(), place.parent.get(), place.name.c_str(), 0) == 0)
            return;
    }
    if (errno != EXDEV && errno != EPERM)
        check(-1, path);
    put_file(tree, path, read_file(target));
}

void put_fifo(BorrowedFd tree, const Path& path) {
    put_node(tree, path, S_IFIFO | 0666, 0);
}

void put_socket(BorrowedFd tree, const Path& path) {
    put_node(tree, path, S_IFSOCK | 0666, 0);
}

void put_device(BorrowedFd tree, const Path& path, mode_t kind) {
    put_node(tree, path, kind | 0666, makedev(unused_major, 1));
}

void put_whiteout(BorrowedFd tree, const Path& path) {
    put_node(tree, path, S_IFCHR, makedev(0, 0));
}

void put_attribute(BorrowedFd tree, const Path& path, const char* name, const std::string& value) {
    const UniqueFd entry = open_beneath(tree, path, O_RDONLY, Links::refuse);
    check(::fsetxattr(entry.get(), name, value.data(), value.size(), 0), path);
}

void change_mode(BorrowedFd tree, const Path& path, mode_t mode) {
    check(::fchmod(open_beneath(tree, path, O_RDONLY, Links::refuse).get(), mode), path);
}

void change_owner(BorrowedFd tree, const Path& path, uid_t owner) {
    check(::fchown(open_beneath(tree, path, O_RDONLY, Links::refuse).get(), owner, owner), path);
}

} // namespace machinist::testing
