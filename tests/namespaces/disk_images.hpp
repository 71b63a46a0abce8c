// SPDX-License-Identifier: LGPL-2.1-or-later
// Disk images that tests make with the ordinary tools: filesystems from trees, and tables around them.
#pragma once

#include "namespaces/minimal_tree.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace machinist::test {

inline constexpr const char* root_type = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"; // of x86-64
inline constexpr const char* root_verity_type = "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5";
inline constexpr const char* root_verity_signature_type = "41092b05-9fc8-4523-994f-2def0408b176";
inline constexpr const char* usr_type = "8484680c-9521-48c6-9c11-b0720656f69e";
inline constexpr const char* home_type = "933ac7e1-2eb4-4f13-b844-0e14e2aef915";
inline constexpr const char* var_type = "4d21b016-b534-45c2-a9fb-5c16e091fd2d";
inline constexpr const char* esp_type = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";

// With root's rights; throws with what it said if it fails.
void shell(const std::string& script);

// A filesystem of that type, as large as it must be for the tree or as its type needs.
Path make_filesystem_file(const Path& tree, const std::string& type, const Path& file, const std::string& size = "32M");

struct DiskPart {
    Path filesystem; // a file with it; its size is the partition's
    std::string type;
    std::string more = {}; // in words of sfdisk: "name=x, attrs=GUID:60"
};
// label: gpt or dos. more_space: mebibytes that no partition has.
Path make_disk(const Path& file, const std::string& label, const std::vector<DiskPart>& parts, int more_space = 1);

// Loop devices whose file's path has this text in it.
std::vector<std::string> loop_devices_of(const std::string& text);

} // namespace machinist::test
