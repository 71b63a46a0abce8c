// SPDX-License-Identifier: LGPL-2.1-or-later
// The smallest tree that a machine can be made of: the probe, which is also its init, and an os-release.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace machinist::test {

using Path = std::filesystem::path;

// A directory of a test's own, removed at its end with all that is in it, whoever owns it.
class Workplace {
public:
    Workplace();
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;
    ~Workplace();

    [[nodiscard]] const Path& path() const {
        return path_;
    }
    Path directory(const Path& name, mode_t mode = 0755) const;
    Path file(const Path& name, std::string_view text, mode_t mode = 0644) const;

private:
    Path path_;
};

// With the probe as /probe and as /usr/lib/systemd/systemd, /usr/lib/os-release, /etc/passwd and /etc/group.
class MinimalTree {
public:
    MinimalTree();

    [[nodiscard]] Path path() const {
        return workplace_.path() / "tree";
    }
    [[nodiscard]] const Workplace& workplace() const {
        return workplace_;
    }
    // A file of the tree; its directories are made.
    Path file(const Path& name, std::string_view text, mode_t mode = 0644) const;
    Path directory(const Path& name, mode_t mode = 0755) const;
    [[nodiscard]] std::string read(const Path& name) const;
    [[nodiscard]] bool has(const Path& name) const;

private:
    Workplace workplace_;
};

std::string text_of(const Path& file);

} // namespace machinist::test
