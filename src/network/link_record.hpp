// SPDX-License-Identifier: LGPL-2.1-or-later
// RUN_DIRECTORY/network: what a machine's start changes of the host's network, one line each, written before it is
// done. Indexes are chosen before, so a line never means a link of somebody else's.
//   made-in NUMBER                 first: the network namespace of all that follows (network/network_identity.hpp)
//   zone BRIDGE                    gone with its last port
//   link INDEX NAME                on the host: removed
//   inside INDEX NAME              in the machine: removed
//   moved INDEX OLD-INDEX KIND NAME MACHINE-NAME
//                                  a link of the host's that has INDEX in the machine: moved back and named NAME again.
//                                  KIND is "device" for what the kernel itself brings back when the machine's network
//                                  is gone, "phy" for Wi-Fi, which it brings back as well, else "virtual"
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

enum class RecordedKind { zone, link, inside, moved };
enum class MovedKind { virtual_link, device, phy };

struct RecordedLink {
    RecordedKind kind = RecordedKind::link;
    int index = 0;
    std::string name; // zone: the bridge; moved: on the host
    int old_index = 0;
    MovedKind moved = MovedKind::virtual_link;
    std::string machine_name;
};

std::string to_line(const RecordedLink& link);
// Lines that mean nothing are left out: the file is ours, and half a line is one that nothing was done for.
std::vector<RecordedLink> parse_link_record(std::string_view text);
// 0: nobody knows.
std::uint64_t network_of_link_record(std::string_view text);

class LinkRecord {
public:
    explicit LinkRecord(BorrowedFd run_directory);
    // Of a machine that reboots: what its last start wrote.
    [[nodiscard]] std::vector<RecordedLink> read() const;
    // The number of the network namespace that they were made in; 0: nobody knows.
    [[nodiscard]] std::uint64_t made_in() const;
    void append(const RecordedLink& link);
    void clear();

private:
    [[nodiscard]] std::string text() const;
    UniqueFd file_;
};

} // namespace machinist
