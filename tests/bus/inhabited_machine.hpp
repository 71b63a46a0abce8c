// SPDX-License-Identifier: LGPL-2.1-or-later
// A leader with a root and a network of its own, in which there is something to be found.
#pragma once

#include "unit/temporary_directory.hpp"

#include <string>
#include <sys/types.h>

namespace machinist::testing {

class InhabitedMachine {
public:
    // system: the text of its os-release; address: one that it has, "" for none.
    explicit InhabitedMachine(const std::string& system, const std::string& address = "");
    InhabitedMachine(const InhabitedMachine&) = delete;
    InhabitedMachine& operator=(const InhabitedMachine&) = delete;
    ~InhabitedMachine();

    [[nodiscard]] std::uint32_t number() const {
        return static_cast<std::uint32_t>(pid_);
    }
    [[nodiscard]] const TemporaryDirectory& root() const {
        return root_;
    }

private:
    TemporaryDirectory root_;
    pid_t pid_ = -1;
};

} // namespace machinist::testing
