// SPDX-License-Identifier: LGPL-2.1-or-later
// machinist-dissect: looks at the disk image that is its standard input, in a sandbox, and tells on its standard output
// what is on it; with --grow-to=BYTES what to write so that its partition table spans as many; with
// --root-hash=OFFSET,BYTES which root hash the signature partition there holds.
#include "base/base64.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"
#include "dissect/answering.hpp"
#include "dissect/disk_probing.hpp"
#include "dissect/root_hash_document.hpp"
#include "dissect/sandbox.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
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

std::string root_hash_at(const Disk& disk, std::uint64_t offset, std::uint64_t size) {
    const auto found = read_root_hash(disk, offset, size);
    return found ? machinist::text_of(*found) : "none\n";
}

Failure meaningless() {
    return Failure{FailureKind::usage, "read the command line: only --grow-to=BYTES and --root-hash=OFFSET,BYTES have "
                                       "a meaning"};
}

// What to do with the disk in the sandbox.
std::function<std::string(const Disk&)> work_of(std::string_view argument) {
    constexpr std::string_view grow = "--grow-to=", root_hash = "--root-hash=";
    if (argument.empty())
        return [](const Disk& disk) { return machinist::text_of(probe(disk)); };
    if (argument.starts_with(grow)) {
        const auto size = parse_integer<std::uint64_t>(argument.substr(grow.size()));
        if (!size)
            throw meaningless();
        return [size = *size](const Disk& disk) { return text_of(plan_growth(disk, size)); };
    }
    const auto numbers = split(argument.substr(std::min(root_hash.size(), argument.size())), ',');
    const auto offset = parse_integer<std::uint64_t>(numbers.front());
    const auto size = parse_integer<std::uint64_t>(numbers.back());
    if (!argument.starts_with(root_hash) || numbers.size() != 2 || !offset || !size)
        throw meaningless();
    return [offset = *offset, size = *size](const Disk& disk) { return root_hash_at(disk, offset, size); };
}

std::string answer(std::string_view argument) {
    const auto work = work_of(argument);
    const Disk disk = describe(BorrowedFd{STDIN_FILENO});
    close_the_sandbox();
    return work(disk);
}

} // namespace

} // namespace machinist::dissect

int main(int count, char** words) {
    using namespace machinist::dissect;
    tell_and_end([&] { return answer(count > 1 ? words[1] : ""); });
}
