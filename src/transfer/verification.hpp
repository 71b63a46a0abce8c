// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether what was fetched is what its makers have published: checksums, and signatures of them.
#pragma once

#include "base/enum_names.hpp"
#include "base/unique_fd.hpp"
#include "transfer/fetch.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

enum class Verify : std::uint8_t { no, checksum, signature };
inline constexpr EnumNames<Verify, 3> verify_names{
    {{Verify::no, "no"}, {Verify::checksum, "checksum"}, {Verify::signature, "signature"}}};

// Those of the administrator, of systemd, of the distribution.
std::vector<std::filesystem::path> default_keyrings();

// File names and their SHA-256. only_name: for a file with nothing but a sum in it. Lines that are none are left out; a
// name with two sums has none. Pure.
std::map<std::string, std::string> parse_checksums(std::string_view text, std::string_view only_name);

// "image.tar.xz" of ".../image.tar.xz?x=y".
std::string file_name_of(const std::string& url);
// The same place with another file name.
std::string beside(const std::string& url, const std::string& file_name);

// The published sums for a file: "URL.sha256", else "SHA256SUMS" beside it. With Verify::signature they are signed by
// a key of the keyrings. Throws Failure: not_found if there are none, hostile if the signature is not good.
std::map<std::string, std::string> fetch_checksums(const FetchRequest& request, Verify verify,
                                                   const std::vector<std::filesystem::path>& keyrings,
                                                   ProgressMeter& meter);

// Throws Failure(hostile) unless the file has the sum that is told for its name.
void check_checksum(BorrowedFd file, const std::string& name, const std::map<std::string, std::string>& checksums,
                    ProgressMeter& meter);

} // namespace machinist
