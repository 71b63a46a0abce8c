// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/way_of_root.hpp"

#include "kernel/files.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <list>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace machinist {

namespace {

constexpr int most_links = 40;

bool is_ours(const struct stat& status) {
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
        return false;
    if (S_ISLNK(status.st_mode))
        return true; // its mode means nothing
    const bool others_write = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    return !others_write || (S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0);
}

std::string target_of(BorrowedFd link) {
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlinkat(link.get(), "", target.data(), target.size());
    if (size < 0)
        return {};
    return {target.data(), static_cast<std::size_t>(size)};
}

// Walks as the kernel does, and looks at each step.
class Walk {
public:
    explicit Walk(const std::filesystem::path& path) {
        start();
        put_first(path);
    }

    // The file at the end; empty where somebody else has a hand in the way.
    UniqueFd run() {
        while (!rest_.empty() && good_) {
            const std::string name = rest_.front();
            rest_.pop_front();
            if (name == "..") {
                if (place_.size() > 1)
                    place_.pop_back();
                continue;
            }
            step(name);
        }
        return good_ ? std::move(place_.back()) : UniqueFd{};
    }

private:
    void start() {
        place_.clear();
        take(UniqueFd{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)});
    }

    void take(UniqueFd opened) {
        struct stat status {};
        good_ = good_ && opened && ::fstat(opened.get(), &status) == 0 && is_ours(status);
        place_.push_back(std::move(opened));
    }

    void put_first(const std::filesystem::path& path) {
        auto before = rest_.begin();
        for (const auto& part : path)
            if (!part.empty() && part != "/" && part != ".")
                rest_.insert(before, part.native());
    }

    void step(const std::string& name) {
        UniqueFd next{::openat(place_.back().get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
        struct stat status {};
        good_ = next && ::fstat(next.get(), &status) == 0 && is_ours(status);
        if (!good_ || !S_ISLNK(status.st_mode)) {
            place_.push_back(std::move(next));
            return;
        }
        const std::filesystem::path target = target_of(next);
        good_ = !target.empty() && ++links_ <= most_links;
        if (target.is_absolute())
            start();
        put_first(target);
    }

    std::vector<UniqueFd> place_; // from "/" to where we are
    std::list<std::string> rest_;
    int links_ = 0;
    bool good_ = true;
};

} // namespace

bool is_way_of_root(const std::filesystem::path& path, BorrowedFd opened) {
    if (!path.is_absolute())
        return false;
    const UniqueFd found = Walk{path}.run();
    if (!found)
        return false;
    const struct stat one = status_of(found);
    const struct stat other = status_of(opened);
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

} // namespace machinist
