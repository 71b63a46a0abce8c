// SPDX-License-Identifier: LGPL-2.1-or-later
// machinist-dissect: looks at the disk image that is its standard input, in a sandbox, and tells on its standard output
// what is on it; with --grow-to=BYTES what to write so that its partition table spans as many.
#include "base/base64.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"
#include "dissect/answering.hpp"
#include "dissect/disk_probing.hpp"
#include "dissect/sandbox.hpp"
#include "kernel/files.hpp"

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <unistd.h>

namespace machinist::dissect {

namespace {

std::string text_of(const std::vector<Edit>& edits) {
    std::string text;
    for (const Edit& edit : edits)
        text += std::to_string(edit.offset) + " " + base64(edit.bytes) + "\n";
    return text + "end\n";
}

std::string answer(std::string_view argument) {
    constexpr std::string_view option = "--grow-to=";
    std::optional<std::uint64_t> new_size;
    if (!argument.empty()) {
        new_size =
            argument.starts_with(option) ? parse_integer<std::uint64_t>(argument.substr(option.size())) : std::nullopt;
        if (!new_size)
            throw Failure{FailureKind::usage, "read the command line: only --grow-to=BYTES has a meaning"};
    }
    const Disk disk = describe(BorrowedFd{STDIN_FILENO});
    close_the_sandbox();
    return new_size ? text_of(plan_growth(disk, *new_size)) : machinist::text_of(probe(disk));
}

} // namespace

} // namespace machinist::dissect

int main(int count, char** words) {
    using namespace machinist::dissect;
    tell_and_end([&] { return answer(count > 1 ? words[1] : ""); });
}
