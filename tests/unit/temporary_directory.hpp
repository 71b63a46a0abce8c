// SPDX-License-Identifier: LGPL-2.1-or-later
// An empty directory for one test, gone after it.
#pragma once

#include "kernel/files.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>

namespace machinist::testing {

class TemporaryDirectory {
public:
    explicit TemporaryDirectory(const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
        std::string pattern = (parent / "machinist-test-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr)
            throw std::filesystem::filesystem_error{"mkdtemp", std::error_code{errno, std::generic_category()}};
        path_ = pattern;
        descriptor_ = open_path(path_, O_RDONLY | O_DIRECTORY);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() {
        descriptor_.reset();
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const {
        return path_;
    }
    [[nodiscard]] BorrowedFd descriptor() const {
        return descriptor_;
    }

    // Parents are made.
    void write(const std::filesystem::path& name, const std::string& text) const {
        std::filesystem::create_directories((path_ / name).parent_path());
        std::ofstream{path_ / name, std::ios::binary} << text;
    }
    void make_directory(const std::filesystem::path& name) const {
        std::filesystem::create_directories(path_ / name);
    }
    void link(const std::filesystem::path& target, const std::filesystem::path& name) const {
        std::filesystem::create_directories((path_ / name).parent_path());
        std::filesystem::create_symlink(target, path_ / name);
    }

private:
    std::filesystem::path path_;
    UniqueFd descriptor_;
};

} // namespace machinist::testing
