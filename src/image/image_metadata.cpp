// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/image_metadata.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/disk_image.hpp"
#include "image/disk_visit.hpp"
#include "image/os_release.hpp"
#include "image/stack.hpp"
#include "kernel/files.hpp"
#include "kernel/separate_process.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

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

constexpr std::size_t files = 5;
using Texts = std::array<std::string, files>;

Texts texts_of(BorrowedFd tree) {
    return {read(tree, "etc/hostname", small_file), read(tree, "etc/machine-id", small_file),
            read(tree, "etc/machine-info"), read(tree, "etc/os-release"), read(tree, "usr/lib/os-release")};
}

// Each text behind its length, or what went wrong behind nothing.
std::string told(const PoolImage& image) {
    try {
        const DiskVisit visit{image.path, inspect_disk(image.path)};
        std::string text;
        for (const std::string& one : texts_of(visit.root()))
            text += std::to_string(one.size()) + "\n" + one;
        return text;
    } catch (const Failure& failure) {
        return "\n" + failure.serialize();
    }
}

// In a process of its own: a look into a disk takes a mount namespace, and its filesystem may make it wait.
Texts texts_of_disk(const PoolImage& image) {
    constexpr std::chrono::seconds patience{30};
    const auto answer = find_out_apart([&] { return told(image); }, patience);
    if (!answer)
        throw Failure{FailureKind::timed_out, "look into image '" + image.name + "': it does not answer"};
    if (answer->starts_with('\n')) {
        auto failure = Failure::deserialize(std::string_view{*answer}.substr(1));
        throw failure ? std::move(*failure) : Failure{FailureKind::internal, "look into image '" + image.name + "'"};
    }
    Texts texts;
    std::string_view left = *answer;
    for (std::string& text : texts) {
        const std::size_t end = left.find('\n');
        const auto length = parse_integer<std::size_t>(left.substr(0, end));
        if (!length || end + 1 + *length > left.size())
            throw Failure{FailureKind::internal, "look into image '" + image.name + "': the answer is cut off"};
        text = left.substr(end + 1, *length);
        left.remove_prefix(end + 1 + *length);
    }
    return texts;
}

} // namespace

ImageMetadata read_image_metadata(const PoolImage& image) {
    const Texts texts = image.type == ImageType::raw || image.type == ImageType::block
                            ? texts_of_disk(image)
                            : texts_of(open_image_tree(image.path));
    const auto& [hostname, machine_id, machine_info, os_release, vendors_os_release] = texts;
    ImageMetadata metadata;
    metadata.hostname = hostname_in(hostname);
    metadata.machine_id = MachineId::parse(trimmed(machine_id));
    metadata.machine_info = fields_in(machine_info);
    metadata.os_release = fields_in(os_release);
    if (metadata.os_release.empty())
        metadata.os_release = fields_in(vendors_os_release);
    return metadata;
}

} // namespace machinist
