// SPDX-License-Identifier: LGPL-2.1-or-later
// machinist-network --undo: in the run directory of a machine that has ended, undoes what is written in its file
// "network", in the network namespace that it was done in. The standard input is the machine's network, if somebody
// still holds it.
#include "base/failure.hpp"
#include "network/link_record.hpp"
#include "network/network_identity.hpp"
#include "network/undo_links.hpp"

#include <cstdio>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string_view>
#include <sys/ioctl.h>

namespace {

using namespace machinist;

constexpr int status_usage = 2;

BorrowedFd network_given() {
    const bool is_one = ::ioctl(STDIN_FILENO, NS_GET_NSTYPE) == CLONE_NEWNET;
    return is_one ? BorrowedFd{STDIN_FILENO} : BorrowedFd{};
}

int undo() {
    const UniqueFd here{::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    LinkRecord record{here};
    if (const auto network = record.made_in(); network != 0 && !join_network(network))
        return 0; // nobody is in it any more, so its links have ended with it
    const auto failures = undo_links(record.read(), network_given(), Zones::close);
    for (const std::string& failure : failures)
        std::fprintf(stderr, "machinist-network: %s\n", failure.c_str());
    return failures.empty() ? 0 : 1;
}

} // namespace

int main(int count, char** arguments) {
    if (count != 2 || std::string_view{arguments[1]} != "--undo") {
        std::fputs("usage: machinist-network --undo\n", stderr);
        return status_usage;
    }
    try {
        return undo();
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "machinist-network: %s\n", failure.what());
        return 1;
    }
}
