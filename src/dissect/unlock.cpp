// SPDX-License-Identifier: LGPL-2.1-or-later
// machinist-unlock: reads in a sandbox the header of the filesystem that is its standard input, and tells on its
// standard output how the kernel opens it. "luks FD": the passphrase is what the descriptor holds; "verity".
#include "base/failure.hpp"
#include "base/text.hpp"
#include "dissect/answering.hpp"
#include "dissect/protection_headers.hpp"
#include "dissect/sandbox.hpp"
#include "kernel/files.hpp"

#include <cstdlib>
#include <linux/fs.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist::dissect {

namespace {

// What cryptsetup takes of a key file.
constexpr std::size_t longest_passphrase = 8 << 20;

std::uint64_t size_of(BorrowedFd device) {
    const struct stat status = status_of(device);
    if (S_ISREG(status.st_mode))
        return static_cast<std::uint64_t>(status.st_size);
    std::uint64_t size = 0;
    if (!S_ISBLK(status.st_mode) || ::ioctl(device.get(), BLKGETSIZE64, &size) < 0)
        throw Failure{FailureKind::invalid, "read its header: it is neither a file nor a block device"};
    return size;
}

std::string answer(std::string_view what, std::string_view descriptor) {
    const BorrowedFd device{STDIN_FILENO};
    const std::uint64_t size = size_of(device);
    if (what == "verity") {
        close_the_sandbox(Sandbox::libraries);
        return text_of(read_verity(device, size));
    }
    const auto number = parse_integer<int>(descriptor);
    if (what != "luks" || !number)
        throw Failure{FailureKind::usage, "read the command line: it is \"luks FD\" or \"verity\""};
    const std::string passphrase = read_all(BorrowedFd{*number}, longest_passphrase);
    close_the_sandbox(Sandbox::libraries);
    const auto opening = open_luks(device, size, passphrase);
    return opening ? text_of(*opening) : "no\n";
}

} // namespace

} // namespace machinist::dissect

int main(int count, char** words) {
    using namespace machinist::dissect;
    tell_and_end([&] { return answer(count > 1 ? words[1] : "", count > 2 ? words[2] : ""); });
}
