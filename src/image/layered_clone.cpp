// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/layered_clone.hpp"

#include "base/failure.hpp"
#include "image/base_store.hpp"
#include "image/overlay.hpp"
#include "image/set_aside.hpp"
#include "image/shift_ownership.hpp"
#include "image/stack.hpp"
#include "image/tree_copy.hpp"
#include "kernel/file_attributes.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <vector>

namespace machinist {

namespace {

using std::filesystem::path;

std::string name_of_layer(std::size_t number) {
    return "layer@" + std::to_string(number);
}

// Renames and hard links go from one to the other.
bool are_on_one_mount(const path& one, const path& other) {
    struct statx first {};
    struct statx second {};
    return ::statx(AT_FDCWD, one.c_str(), AT_NO_AUTOMOUNT, STATX_MNT_ID, &first) == 0 &&
           ::statx(AT_FDCWD, other.c_str(), AT_NO_AUTOMOUNT, STATX_MNT_ID, &second) == 0 &&
           first.stx_mnt_id == second.stx_mnt_id;
}

// The bases whose trees the layers of a stack are, the lowest first. Nothing if one of them is anything else.
std::optional<std::vector<path>> bases_of(const path& stack, const path& store) {
    std::vector<path> bases;
    const Stack found = read_stack(stack);
    if (!found.is_plain())
        return std::nullopt;
    for (const path& layer : found.layers) {
        std::error_code none;
        const path tree = std::filesystem::read_symlink(layer, none);
        if (none || tree.filename() != "tree" || tree.parent_path().parent_path() != store)
            return std::nullopt;
        bases.push_back(tree.parent_path());
    }
    return bases;
}

// A new stack beside place, for a rename to it.
class StackInTheMaking {
public:
    explicit StackInTheMaking(const path& place) : directory_(name_in_the_making(place.parent_path())) {
        if (::mkdir(directory_.c_str(), 0755) < 0 || ::mkdir((directory_ / "rw").c_str(), 0755) < 0)
            throw system_failure("make '" + directory_.string() + "'");
        lock_ = lock_in_the_making(directory_);
    }
    StackInTheMaking(const StackInTheMaking&) = delete;
    StackInTheMaking& operator=(const StackInTheMaking&) = delete;
    ~StackInTheMaking() {
        if (directory_.empty())
            return;
        try {
            remove_tree(open_path(directory_.parent_path(), O_RDONLY | O_DIRECTORY), directory_.filename().string());
        } catch (const Failure&) {
            // The failure that led here is the one to tell; `gc` finds the rest.
        }
    }
    void add(const path& base) {
        add_layer(directory_, name_of_layer(count_++), base);
    }
    // What a machine has written, while it may go on writing.
    void copy_upper(const path& data) const {
        copy_tree(open_path(data, O_RDONLY | O_DIRECTORY), open_path(directory_ / "rw", O_RDONLY | O_DIRECTORY), "data",
                  Extents::shared_if_possible);
    }
    void move_to(const path& place) {
        if (::renameat2(AT_FDCWD, directory_.c_str(), AT_FDCWD, place.c_str(), RENAME_NOREPLACE) < 0)
            throw system_failure("rename '" + directory_.string() + "' to '" + place.string() + "'");
        directory_.clear();
    }

private:
    path directory_;
    UniqueFd lock_;
    std::size_t count_ = 0;
};

bool holds_nothing(const path& directory) {
    std::error_code ignored;
    return std::filesystem::directory_iterator{directory, ignored} == std::filesystem::directory_iterator{};
}

void move(const path& from, const path& to) {
    if (::rename(from.c_str(), to.c_str()) < 0)
        throw system_failure("rename '" + from.string() + "' to '" + to.string() + "'");
}

// The tree is in two places never, and in none never: the stack is complete but for its tree before the one rename
// that brings it, and until then the directory of the same name is what is found.
path turn_into_stack(const PoolPlaces& places, const PoolImage& image) {
    const path stack = image.path.parent_path() / (image.name + stack_suffix);
    const NewBase base = make_base(places.bases);
    StackInTheMaking made{stack};
    made.add(base.directory);
    made.move_to(stack);
    const UniqueFd tree = open_path(image.path, O_RDONLY | O_DIRECTORY);
    const bool was_immutable = is_immutable(tree);
    if (was_immutable) {
        make_immutable(open_path(stack, O_RDONLY | O_DIRECTORY), true);
        make_immutable(tree, false);
    }
    move(image.path, base.tree());
    return stack;
}

// As above: the layer is announced first, and takes effect with the rename.
void keep_upper_as_layer(const PoolPlaces& places, const path& stack, std::size_t number) {
    const NewBase base = make_base(places.bases);
    shift_ownership(open_path(stack / "rw/data", O_RDONLY | O_DIRECTORY), 0);
    add_layer(stack, name_of_layer(number), base.directory);
    move(stack / "rw/data", base.tree());
}

// A layer must lie where an overlay can write: on no overlay, and where there are trusted attributes.
bool can_hold_layers(const path& directory) {
    constexpr unsigned long overlay_magic = 0x794c7630;
    constexpr const char* probe = "trusted.machinist";
    struct statfs filesystem {};
    const UniqueFd opened = open_path(directory, O_RDONLY | O_DIRECTORY);
    if (::fstatfs(opened.get(), &filesystem) < 0 || static_cast<unsigned long>(filesystem.f_type) == overlay_magic ||
        ::fsetxattr(opened.get(), probe, "1", 1, 0) < 0)
        return false;
    ::fremovexattr(opened.get(), probe);
    return true;
}

bool can_be_layered(const PoolPlaces& places, const PoolImage& image, const path& place) {
    struct stat status {};
    const bool is_real_directory = ::lstat(image.path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
    return is_real_directory && !image.is_versioned() && !image.is_vendors() && !image.is_host() &&
           are_on_one_mount(image.path.parent_path(), places.bases) &&
           are_on_one_mount(image.path, image.path.parent_path()) &&
           are_on_one_mount(place.parent_path(), places.bases) && can_hold_layers(places.bases);
}

} // namespace

void finish_cut_clone(const PoolImage& image) {
    const path other = image.path.parent_path() / (image.name + stack_suffix);
    if (image.type == ImageType::mstack) {
        for (const auto& entry : std::filesystem::directory_iterator{image.path})
            if (entry.is_symlink() && is_announced_layer(entry.path()))
                drop_layer(image.path, entry.path().filename().string());
    } else if (image.type == ImageType::directory && is_announced_layer(other / name_of_layer(0))) {
        if (const auto stack = open_path_if_exists(other, O_RDONLY | O_DIRECTORY); stack && is_immutable(*stack))
            make_immutable(*stack, false);
        remove_tree(open_path(other.parent_path(), O_RDONLY | O_DIRECTORY), other.filename().string());
    }
}

bool clone_by_layers(const PoolPlaces& places, const PoolImage& image, const path& place, bool only_readers,
                     const path& written) {
    make_directories(places.bases, 0700);
    if (!can_be_layered(places, image, place))
        return false;
    finish_cut_clone(image);
    path stack = image.path;
    if (image.type == ImageType::directory) {
        if (!only_readers)
            return false;
        stack = turn_into_stack(places, image);
    }
    auto bases = bases_of(stack, places.bases);
    const path data = stack / "rw/data";
    const bool has_upper = !holds_nothing(data);
    if (!bases || bases->size() + (has_upper ? 1 : 0) > most_layers)
        return false;
    // A read-only image cannot be given another layer, and a running one is writing its own.
    const bool can_keep = only_readers && !image.read_only;
    if (has_upper && !can_keep && !written.empty())
        return false;
    if (has_upper && can_keep) {
        keep_upper_as_layer(places, stack, bases->size());
        bases = bases_of(stack, places.bases);
    }
    StackInTheMaking made{place};
    for (const path& base : *bases)
        made.add(base);
    if (has_upper && !can_keep)
        made.copy_upper(data);
    if (!written.empty())
        made.copy_upper(written);
    made.move_to(place);
    return true;
}

} // namespace machinist
