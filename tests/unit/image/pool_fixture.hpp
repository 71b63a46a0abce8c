// SPDX-License-Identifier: LGPL-2.1-or-later
// A pool of two directories in a temporary one, with settings and locks of its own.
#pragma once

#include "image/pool.hpp"
#include "kernel/file_attributes.hpp"
#include "unit/temporary_directory.hpp"

#include <gtest/gtest.h>
#include <set>
#include <string>
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

    // On disk: what is tried here is what filesystems of disks do.
    TemporaryDirectory place{"/var/tmp"};
};

} // namespace machinist::testing
