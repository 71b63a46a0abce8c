// SPDX-License-Identifier: LGPL-2.1-or-later
// Writes the filter of a machine with default capabilities, so that every contender loads one of the same strength:
// the instructions themselves, or (with "names") the calls it lets pass, one a line, for managers that take a list.
#include "spec/syscall_filter.hpp"
#include "spec/syscall_table.hpp"

#include <cstdio>
#include <cstring>

namespace {

using namespace machinist;

constexpr CapabilitySpec default_capabilities{0xfdecafff, 0};

void write_names() {
    SyscallSet allowed{syscall_data::always_allowed};
    for (const auto& [capability, opens] : syscall_data::capability_sets)
        if ((default_capabilities.bounding >> capability & 1) != 0)
            allowed.insert(SyscallSet{opens});
    for (std::size_t name = 0; name < syscall_name_count; ++name)
        if (allowed.contains(static_cast<SyscallId>(name))) {
            const std::size_t offset = syscall_data::name_offsets[name];
            std::printf("%.*s\n", syscall_data::name_offsets[name + 1] - static_cast<int>(offset),
                        syscall_data::name_text.data() + offset);
        }
}

} // namespace

int main(int count, char** arguments) {
    if (count == 2 && std::strcmp(arguments[1], "names") == 0) {
        write_names();
        return 0;
    }
    const auto program = build_syscall_filter(SyscallFilterSpec{}, default_capabilities, true);
    return std::fwrite(program.data(), sizeof program[0], program.size(), stdout) == program.size() ? 0 : 1;
}
