// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/base_store.hpp"

#include "base/failure.hpp"
#include "image/image_lock.hpp"
#include "image/set_aside.hpp"
#include "kernel/files.hpp"
#include "kernel/random_suffix.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr const char* references = "references";

std::filesystem::path reference_in(const std::filesystem::path& stack, const std::filesystem::path& base) {
    return stack / (".base-" + base.filename().string());
}

// Held while it is decided that a base goes: nobody begins to use it then.
class Unused {
public:
    Unused(const std::filesystem::path& base, const std::filesystem::path& locks) {
        const auto file = open_path_if_exists(base / references, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        if (!file || ::flock(file->get(), LOCK_EX | LOCK_NB) < 0 || status_of(*file).st_nlink != 1)
            return;
        struct stat status {};
        // Instances of the image that it was may still run from it.
        if (::lstat((base / "tree").c_str(), &status) == 0) {
            try {
                tree_ = lock_image(base / "tree", LockMode::exclusive, locks);
            } catch (const Failure&) {
                return;
            }
        }
        is_unused_ = true;
    }
    Unused(const Unused&) = delete;
    Unused& operator=(const Unused&) = delete;
    ~Unused() {
        tree_.descriptors.clear();
        for (const auto& path : tree_.paths) {
            try {
                remove_lock_file_if_free(path);
            } catch (const Failure&) {
                // A lock file too many harms nobody.
            }
        }
    }
    explicit operator bool() const {
        return is_unused_;
    }

private:
    ImageLock tree_;
    bool is_unused_ = false;
};

} // namespace

NewBase make_base(const std::filesystem::path& bases) {
    make_directories(bases, 0700);
    const auto made = name_in_the_making(bases);
    make_directories(made, 0700);
    const UniqueFd in_the_making = lock_in_the_making(made);
    NewBase base{bases / random_suffix(), open_path(made / references, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600)};
    if (::flock(base.lock.get(), LOCK_SH) < 0 || ::rename(made.c_str(), base.directory.c_str()) < 0)
        throw system_failure("make '" + base.directory.string() + "'");
    return base;
}

void add_layer(const std::filesystem::path& stack, const std::string& layer, const std::filesystem::path& base) {
    if (::link((base / references).c_str(), reference_in(stack, base).c_str()) < 0 && errno != EEXIST)
        throw system_failure("refer to '" + base.string() + "'");
    if (::symlink((base / "tree").c_str(), (stack / layer).c_str()) < 0)
        throw system_failure("make layer '" + layer + "' of '" + stack.string() + "'");
}

void drop_layer(const std::filesystem::path& stack, const std::string& layer) {
    std::error_code none;
    const auto tree = std::filesystem::read_symlink(stack / layer, none);
    // The reference last: without it the base could go while the layer is still there.
    if (::unlink((stack / layer).c_str()) < 0 && errno != ENOENT)
        throw system_failure("remove layer '" + layer + "' of '" + stack.string() + "'");
    if (!none)
        ::unlink(reference_in(stack, tree.parent_path()).c_str());
}

std::vector<std::filesystem::path> collect_bases(const std::filesystem::path& bases,
                                                 const std::filesystem::path& locks) {
    std::vector<std::filesystem::path> left = set_aside_in(bases);
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator{bases, ignored}) {
        if (entry.path().filename().native().starts_with('.'))
            continue;
        if (const Unused unused{entry.path(), locks})
            left.push_back(set_aside(entry.path()));
    }
    return left;
}

} // namespace machinist
