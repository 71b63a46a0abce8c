// SPDX-License-Identifier: LGPL-2.1-or-later
// A pool of two directories in a temporary one, with settings and locks of its own.
#pragma once

#include "image/pool.hpp"
#include "kernel/file_attributes.hpp"
#include "unit/temporary_directory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <set>
#include <string>
#include <sys/ioctl.h>
#include <vector>

namespace machinist::testing {

class APool : public ::testing::Test {
protected:
    APool() {
        for (const char* name : {"first", "machines", "etc", "run", "locks", "ranges"})
            place.make_directory(name);
    }
    ~APool() override {
        std::error_code ignored;
        for (const auto& entry : std::filesystem::directory_iterator{place.path() / "machines", ignored})
            if (const UniqueFd file{::open(entry.path().c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW)};
                file && is_immutable(file))
                make_immutable(file, false);
    }

    [[nodiscard]] PoolPlaces places() const {
        PoolPlaces places;
        places.search_path = {place.path() / "first", place.path() / "machines", place.path() / "missing"};
        places.new_images = place.path() / "machines";
        places.bases = place.path() / "bases";
        places.snapshots = place.path() / "snapshots";
        places.settings = {place.path() / "etc", place.path() / "run"};
        places.locks = place.path() / "locks";
        places.id_ranges.stored = place.path() / "ranges";
        return places;
    }
    [[nodiscard]] Pool pool() const {
        return Pool{places()};
    }
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> found;
        for (const PoolImage& image : pool().list())
            found.push_back(image.name);
        return found;
    }
    // Of all entries, hidden and temporary ones too.
    [[nodiscard]] std::set<std::string> entries(const char* directory) const {
        std::set<std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator{place.path() / directory})
            found.insert(entry.path().filename().string());
        return found;
    }

    // In memory where that knows immutable directories: some of these tests do everything a hundred times.
    static std::filesystem::path room() {
        int flags = 0;
        const UniqueFd memory{::open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        const bool is_fit = memory && ::ioctl(memory.get(), FS_IOC_GETFLAGS, &flags) == 0;
        return is_fit ? std::filesystem::path{"/dev/shm"} : std::filesystem::temp_directory_path();
    }

    TemporaryDirectory place{room()};
};

} // namespace machinist::testing
