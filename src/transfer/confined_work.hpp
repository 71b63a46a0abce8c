// SPDX-License-Identifier: LGPL-2.1-or-later
// Work on bytes of others, done by a process that can do nothing but that work (rule R16): whoever takes it over by
// what it reads has no network, no programs, no host, and of files the ones that were handed to it.
#pragma once

#include "base/unique_fd.hpp"
#include "transfer/progress_meter.hpp"

#include <functional>
#include <string>
#include <vector>

namespace machinist {

struct Confinement {
    // A directory beneath which files may be made. It is the root of that process, so absolute names lead into it;
    // devices in it do not work and links in it are not followed. Without, no file can be opened at all, and the
    // process is nobody's.
    BorrowedFd tree{};
    std::vector<BorrowedFd> files; // open already, to be read and written
};

// work runs in a copy of the calling process, which has one thread. What it returns, throws, tells and says is as if it
// had been done here; what it tells may be made up by whoever took it over, and has no control characters.
std::string do_confined(const Confinement& confinement, ProgressMeter& meter,
                        const std::function<std::string(ProgressMeter& meter)>& work);

// The same for a look that needs nobody who watches.
std::string find_out_confined(BorrowedFd file, const std::function<std::string()>& question);

} // namespace machinist
