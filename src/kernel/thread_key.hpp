// SPDX-License-Identifier: LGPL-2.1-or-later
// A key in the kernel's keyring of the calling thread, for as long as the object lives.
#pragma once

#include <string>
#include <string_view>

namespace machinist {

class ThreadKey {
public:
    // Throws Failure.
    ThreadKey(std::string description, std::string_view bytes);
    ThreadKey(const ThreadKey&) = delete;
    ThreadKey& operator=(const ThreadKey&) = delete;
    ~ThreadKey();

    [[nodiscard]] const std::string& description() const {
        return description_;
    }

private:
    std::string description_;
    long number_ = 0;
};

} // namespace machinist
