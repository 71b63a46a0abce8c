// SPDX-License-Identifier: LGPL-2.1-or-later
// An image in the making: under a name of its own, so that it is there whole or not at all, and gone without a trace if
// it is not finished.
#pragma once

#include "base/unique_fd.hpp"
#include "image/image_changes.hpp"
#include "image/pool.hpp"
#include "image/succession.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

enum class ImageForm { tree, file, stack };

struct NewImageOptions {
    bool read_only = false;
    bool force = false; // an image of that name is replaced
    bool sync = true;   // before it is told to be there, it is on the disk
};

class NewImage {
public:
    // In the pool's directory for new images. Throws Failure: already_exists, or busy while somebody uses the one that
    // would be replaced.
    NewImage(const Pool& pool, std::string name, ImageForm form, const NewImageOptions& options);
    NewImage(const NewImage&) = delete;
    NewImage& operator=(const NewImage&) = delete;
    ~NewImage();

    // The empty directory, or the empty file.
    [[nodiscard]] BorrowedFd descriptor() const {
        return made_;
    }
    // Where it is being made.
    [[nodiscard]] const std::filesystem::path& path() const {
        return making_;
    }
    // A file beside it that has no name and goes with its descriptor.
    [[nodiscard]] UniqueFd unnamed_file() const;

    // A file that belongs to it by its name, "NAME" and suffix: there when it is, and gone if it never is. One of that
    // name stays as it is, unless the image is one that replaces; then it stays until that has come. file: from
    // unnamed_file().
    void bring(const std::string& suffix, UniqueFd file);

    // From here on it is there, and what it replaced is not.
    void finish();

private:
    struct Brought {
        std::filesystem::path making;
        std::filesystem::path place;
        UniqueFd file; // with the lock
        Succession what = Succession::replaces;
        bool is_new = false;
        bool waits = false; // for the image, to take its place behind it
    };

    void let_it_wait(const std::string& suffix, UniqueFd file, Succession what);
    void let_old_hashes_wait();
    void place_what_was_brought();
    void place_what_waits() const noexcept;
    void drop_what_was_brought() noexcept;
    [[nodiscard]] std::filesystem::path place() const;
    void take_place();
    void put_aside(const std::filesystem::path& old);

    const Pool& pool_;
    std::string name_;
    ImageForm form_;
    NewImageOptions options_;
    std::optional<ImageHold> hold_;
    std::optional<ImageHold> old_hold_;
    std::filesystem::path old_;    // what is replaced
    std::filesystem::path making_; // empty once it is finished
    UniqueFd made_;
    UniqueFd lock_;
    std::vector<Brought> brought_;
};

} // namespace machinist
