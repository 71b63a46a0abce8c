// SPDX-License-Identifier: LGPL-2.1-or-later
// The machines that run now, ours and others', read anew from their files at each question. Nothing is kept: whether
// one runs is asked of its leader, so what a dead machine left never shows and its name is free.
#pragma once

#include "registry/machine.hpp"
#include "registry/places.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace machinist {

class MachineStore {
public:
    explicit MachineStore(Places places) : places_(std::move(places)) {}

    // By name.
    [[nodiscard]] std::vector<Machine> list() const;
    [[nodiscard]] std::optional<Machine> find(const MachineName& name) const;
    // Throws Failure(not_found): "No machine 'NAME' known". Text that can be no name is of no machine, too.
    [[nodiscard]] Machine get(std::string_view name) const;

    // Waits for its payload to be executed. Throws Failure if it ends before.
    void wait_until_open(Machine& machine) const;

    [[nodiscard]] const Places& places() const {
        return places_;
    }

private:
    Places places_;
};

} // namespace machinist
