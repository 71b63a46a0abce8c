// SPDX-License-Identifier: LGPL-2.1-or-later
// What is to be known of an image before its first boot, found out without running anything of it.
#pragma once

#include "base/unique_fd.hpp"
#include "spec/image_facts.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

struct Admission {
    ImageFacts facts;
    std::string init_version;    // "252.39-1", "" if it is not known
    std::string network_manager; // systemd-networkd, NetworkManager, ifupdown, connman, dhcpcd; "" if there is none
    std::size_t entries = 0;
    std::uint64_t bytes = 0; // of regular files
    std::size_t packages = 0;
    std::size_t units = 0;                  // of systemd, in its directories; else services as the init has them
    bool merged_usr = false;                // its /bin and /lib are links into /usr
    std::vector<std::string> setuid_files;  // setuid or setgid, sorted
    std::vector<std::string> capable_files; // with capabilities of their own
    std::size_t device_nodes = 0;
    std::size_t foreign_owners = 0; // entries of ids that a machine's range does not have
    std::string first_foreign;      // one of them

    std::vector<std::string> obstacles; // why it will not boot
    std::vector<std::string> warnings;  // what may surprise

    [[nodiscard]] bool will_boot() const {
        return obstacles.empty();
    }
};

// root: of the tree. facts: as read_image_facts() tells them. Throws Failure(hostile) for a tree that is deeper, or
// has more entries, than any system.
Admission examine(BorrowedFd root, const ImageFacts& facts);

// The loader that an ELF program asks for; nothing if it asks for none. Pure.
std::optional<std::string> loader_of_elf(const std::string& beginning);

} // namespace machinist
