// SPDX-License-Identifier: LGPL-2.1-or-later
// Bases that are known by what they hold, so that all images with the same layer share one (base_store.hpp).
#pragma once

#include "image/base_store.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace machinist {

// With the lock that keeps it while it has no references. Nothing if there is none of that name, whole.
std::optional<NewBase> hold_base(const std::filesystem::path& bases, const std::string& id);

// A base in the making: seen by nobody before it is whole, and gone if it never is.
class SharedBase {
public:
    explicit SharedBase(const std::filesystem::path& bases);
    SharedBase(const SharedBase&) = delete;
    SharedBase& operator=(const SharedBase&) = delete;
    ~SharedBase();

    // The empty tree.
    [[nodiscard]] BorrowedFd tree() const {
        return tree_;
    }
    // Under this name from now on. If somebody else made it meanwhile, theirs.
    NewBase finish(const std::string& id);

private:
    std::filesystem::path bases_;
    std::filesystem::path making_; // empty once it is finished
    UniqueFd lock_;
    UniqueFd references_;
    UniqueFd tree_;
};

// A new mount stack on bases, the lowest first, in the making; for a rename to its name (set_aside.hpp).
void make_stack_on(const std::filesystem::path& stack, const std::vector<NewBase>& bases);

} // namespace machinist
