// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/new_image.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/auxiliary_files.hpp"
#include "image/set_aside.hpp"
#include "image/stack.hpp"
#include "kernel/btrfs.hpp"
#include "kernel/file_attributes.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace machinist {

namespace {

bool rename_into(const std::filesystem::path& from, const std::filesystem::path& to, unsigned flags) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0)
        return true;
    if (errno == EEXIST)
        return false;
    throw system_failure("rename '" + from.string() + "' to '" + to.string() + "'");
}

const char* suffix_of(ImageForm form) {
    return form == ImageForm::tree ? "" : form == ImageForm::file ? ".raw" : stack_suffix;
}

} // namespace

NewImage::NewImage(const Pool& pool, std::string name, ImageForm form, const NewImageOptions& options)
    : pool_(pool), name_(std::move(name)), form_(form), options_(options) {
    check_new_image_name(name_);
    const auto& directory = pool_.places().new_images;
    const auto old = options_.force ? pool_.find(name_) : std::nullopt;
    if (!old) {
        hold_.emplace(pool_, name_);
    } else {
        refuse_to_change(*old, "replace");
        if (old->entry.parent_path() != directory || old->type == ImageType::block)
            throw Failure{FailureKind::already_exists, "image '" + escaped_for_people(name_) + "' is '" +
                                                           old->entry.string() + "', which is not replaced"};
        old_hold_.emplace(pool_, *old, LockMode::exclusive);
        old_ = old->entry;
    }
    make_directories(directory, 0700);
    const UniqueFd parent = open_path(directory, O_RDONLY | O_DIRECTORY);
    making_ = name_in_the_making(directory);
    const std::string making_name = making_.filename().string();
    if (form_ != ImageForm::file) {
        const bool is_made = form_ == ImageForm::tree && btrfs::make_subvolume(parent, making_name);
        if (!is_made && ::mkdirat(parent.get(), making_name.c_str(), 0755) < 0)
            throw system_failure("make directory '" + making_.string() + "'");
        made_ = open_path(making_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        // Whatever the file creation mask is.
        if (::fchmod(made_.get(), 0755) < 0)
            throw system_failure("set the mode of '" + making_.string() + "'");
    } else {
        made_ = open_path(making_, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    }
    lock_ = lock_in_the_making(making_);
}

NewImage::~NewImage() {
    if (making_.empty())
        return;
    drop_what_was_brought();
    // The lock is ours, so that nobody else removes it meanwhile; removing takes it anew.
    lock_.reset();
    discard(making_);
}

UniqueFd NewImage::unnamed_file() const {
    return open_path(pool_.places().new_images, O_TMPFILE | O_RDWR, 0600);
}

std::filesystem::path NewImage::place() const {
    return pool_.places().new_images / (name_ + suffix_of(form_));
}

void NewImage::bring(const std::string& suffix, UniqueFd file) {
    let_it_wait(suffix, std::move(file), Succession::replaces);
}

void NewImage::let_it_wait(const std::string& suffix, UniqueFd file, Succession what) {
    const auto& directory = pool_.places().new_images;
    Brought one{name_in_the_making(directory), directory / (name_ + suffix), std::move(file), what};
    if (::flock(one.file.get(), LOCK_EX | LOCK_NB) < 0)
        throw system_failure("lock '" + one.making.string() + "'");
    mark_as_brought(one.file, true);
    if (options_.sync && ::fsync(one.file.get()) < 0)
        throw system_failure("write '" + one.place.string() + "' to the disk");
    if (::linkat(AT_FDCWD, path_of_descriptor(one.file).c_str(), AT_FDCWD, one.making.c_str(), AT_SYMLINK_FOLLOW) < 0)
        throw system_failure("make '" + one.making.string() + "'");
    one.waits = !old_.empty() && wait_for_image(one.file, what, one.place.filename(), made_, place().filename());
    brought_.push_back(std::move(one));
}

// They are about the bytes of the image that is replaced.
void NewImage::let_old_hashes_wait() {
    for (const char* suffix : {".roothash", ".roothash.p7s", ".usrhash", ".usrhash.p7s", ".verity"}) {
        const auto path = pool_.places().new_images / (name_ + suffix);
        struct stat status {};
        if (::lstat(path.c_str(), &status) == 0 &&
            std::ranges::none_of(brought_, [&](const Brought& one) { return one.place == path; }))
            let_it_wait(suffix, unnamed_file(), Succession::removes);
    }
}

// Right before an image that replaces none, which is never there without.
void NewImage::place_what_was_brought() {
    for (Brought& one : brought_) {
        if (one.waits || one.what == Succession::removes)
            continue;
        one.is_new = rename_into(one.making, one.place, RENAME_NOREPLACE);
        if (!one.is_new && options_.force)
            (void)rename_into(one.making, one.place, 0);
    }
}

void NewImage::drop_what_was_brought() noexcept {
    for (const Brought& one : brought_) {
        ::unlink(one.making.c_str());
        if (one.is_new)
            ::unlink(one.place.c_str());
    }
}

void NewImage::place_what_waits() const noexcept {
    for (const Brought& one : brought_) {
        if (!one.waits && one.what == Succession::removes)
            ::unlink(one.place.c_str());
        try {
            if (one.waits && !succeed_if_image_came(one.file, one.making))
                std::fprintf(stderr, "'%s' cannot be replaced\n", one.place.c_str());
        } catch (const Failure& failure) {
            std::fprintf(stderr, "'%s' is not replaced: %s\n", one.place.c_str(), failure.what());
        }
    }
}

void NewImage::put_aside(const std::filesystem::path& old) {
    try {
        remove_set_aside(set_aside(old));
    } catch (const Failure& failure) {
        std::fprintf(stderr, "what was replaced is left over: %s\n", failure.what());
    }
}

void NewImage::take_place() {
    const auto place = this->place();
    if (old_ == place) {
        // An immutable directory can be renamed by nobody.
        const UniqueFd entry = open_path(old_, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        (void)(is_immutable(entry) && make_immutable(entry, false));
        rename_into(making_, place, RENAME_EXCHANGE);
        put_aside(std::exchange(making_, {}));
        return;
    }
    if (!rename_into(making_, place, RENAME_NOREPLACE))
        throw Failure{FailureKind::already_exists, "'" + place.string() + "' exists already"};
    making_.clear();
    // Of another form: which of the two is found until here, the pool's order says.
    if (!old_.empty())
        put_aside(old_);
}

void NewImage::finish() {
    if (form_ == ImageForm::file && ::fchmod(made_.get(), options_.read_only ? 0444 : 0644) < 0)
        throw system_failure("set the mode of '" + making_.string() + "'");
    if (options_.sync && (form_ == ImageForm::file ? ::fsync(made_.get()) : ::syncfs(made_.get())) < 0)
        throw system_failure("write '" + making_.string() + "' to the disk");
    if (!old_.empty())
        let_old_hashes_wait();
    place_what_was_brought();
    take_place();
    place_what_waits();
    for (const Brought& one : brought_) {
        // What was there already has stayed.
        ::unlink(one.making.c_str());
        mark_as_brought(one.file, false);
    }
    if (options_.sync)
        (void)::fsync(open_path(pool_.places().new_images, O_RDONLY | O_DIRECTORY).get());
    if (options_.read_only && form_ != ImageForm::file)
        mark_held_image_read_only(pool_, name_);
}

} // namespace machinist
