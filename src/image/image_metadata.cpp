// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/image_metadata.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/os_release.hpp"
#include "image/stack.hpp"
#include "kernel/files.hpp"

#include <algorithm>

namespace machinist {

namespace {

constexpr std::size_t small_file = 4096;
constexpr std::size_t longest_hostname = 64;

// What is odd is not there: this is for display.
std::string read(BorrowedFd tree, const char* path, std::size_t limit = 65536) {
    try {
        return read_untrusted(tree, path, limit).value_or("");
    } catch (const Failure&) {
        return {};
    }
}

bool is_hostname(std::string_view text) {
    return !text.empty() && text.size() <= longest_hostname && text != "localhost" &&
           std::ranges::all_of(text, [](unsigned char character) {
               return (character >= '0' && character <= '9') || (character >= 'a' && character <= 'z') ||
                      (character >= 'A' && character <= 'Z') || character == '-' || character == '.' ||
                      character == '_';
           });
}

// The first line that is neither empty nor a comment.
std::string hostname_in(const std::string& text) {
    for (const std::string_view line : split(text, '\n')) {
        const std::string_view word = trimmed(line);
        if (!word.empty() && !word.starts_with('#'))
            return is_hostname(word) ? std::string{word} : "";
    }
    return {};
}

std::map<std::string, std::string> fields_in(const std::string& text) {
    auto fields = parse_os_release(text);
    return fields ? std::move(*fields) : std::map<std::string, std::string>{};
}

} // namespace

ImageMetadata read_image_metadata(const PoolImage& image) {
    if (image.type == ImageType::raw || image.type == ImageType::block)
        throw Failure{FailureKind::not_supported,
                      "look into image '" + image.name + "': disk images are not built yet in this version"};
    const UniqueFd tree = open_image_tree(image.path);
    ImageMetadata metadata;
    metadata.hostname = hostname_in(read(tree, "etc/hostname", small_file));
    metadata.machine_id = MachineId::parse(trimmed(read(tree, "etc/machine-id", small_file)));
    metadata.machine_info = fields_in(read(tree, "etc/machine-info"));
    metadata.os_release = fields_in(read(tree, "etc/os-release"));
    if (metadata.os_release.empty())
        metadata.os_release = fields_in(read(tree, "usr/lib/os-release"));
    return metadata;
}

} // namespace machinist
