// SPDX-License-Identifier: LGPL-2.1-or-later
// One named part of the way to exec, and the loop that runs a list of them.
#pragma once

#include "base/failure.hpp"
#include "supervisor/fault.hpp"

#include <span>

namespace machinist {

template <typename Context>
struct Stage {
    const char* name;
    void (*run)(Context&);
};

// The name of the stage is added to whatever goes wrong in it.
template <typename Context>
void run_stages(std::span<const Stage<Context>> stages, Context& context, std::string_view side) {
    for (const Stage<Context>& stage : stages)
        doing(stage.name, [&] {
            fail_here_if_asked(side, stage.name);
            stage.run(context);
        });
}

} // namespace machinist
