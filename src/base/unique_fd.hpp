// SPDX-License-Identifier: LGPL-2.1-or-later
// A file descriptor that is owned (UniqueFd) or only looked at (BorrowedFd).
#pragma once

#include <unistd.h>
#include <utility>

namespace machinist {

// Looks only: never closes, must not outlive its owner.
class BorrowedFd {
public:
    constexpr BorrowedFd() = default;
    constexpr explicit BorrowedFd(int number) : number_(number) {}

    [[nodiscard]] constexpr int get() const {
        return number_;
    }
    constexpr explicit operator bool() const {
        return number_ >= 0;
    }

private:
    int number_ = -1;
};

// Owns: closes at the end of its life. Move only.
class UniqueFd {
public:
    constexpr UniqueFd() = default;
    constexpr explicit UniqueFd(int number) : number_(number) {}
    UniqueFd(UniqueFd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd() {
        reset();
    }

    void reset() {
        if (number_ >= 0)
            ::close(std::exchange(number_, -1));
    }
    [[nodiscard]] int get() const {
        return number_;
    }
    [[nodiscard]] int release() {
        return std::exchange(number_, -1);
    }
    explicit operator bool() const {
        return number_ >= 0;
    }
    // NOLINTNEXTLINE(google-explicit-constructor): a borrower is what every reader wants.
    operator BorrowedFd() const {
        return BorrowedFd{number_};
    }

private:
    int number_ = -1;
};

} // namespace machinist
