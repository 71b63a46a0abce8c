// SPDX-License-Identifier: LGPL-2.1-or-later
// Every entry of a tree that is not trusted, in an order that depends on names alone; no link is followed, and no other
// mount entered.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace machinist {

struct WalkedEntry {
    BorrowedFd parent;
    std::string name; // "." for the root
    std::string path; // from the root, "." for it
    struct stat status {};
};

// Directories come before what is in them. Throws Failure(hostile) for trees that are too deep or too wide.
void walk_tree(BorrowedFd root, const std::function<void(const WalkedEntry&)>& visit);

// The bytes of its files and the number of its entries, for telling how far a walk has got.
struct TreeSize {
    std::uint64_t bytes = 0;
    std::uint64_t entries = 0;
};
TreeSize measure_tree(BorrowedFd root);

// Its extended attributes that travel with it, access lists among them.
std::vector<std::pair<std::string, std::string>> attributes_of(BorrowedFd parent, const std::string& name);

} // namespace machinist
