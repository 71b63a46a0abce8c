// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/tar_extraction.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "transfer/tar_reader.hpp"
#include "transfer/tree_writer.hpp"

#include <cerrno>
#include <string>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::string_view whiteout_prefix = ".wh.";
constexpr std::string_view opaque_whiteout = ".wh..wh..opq";
constexpr std::string_view reserved_prefix = ".wh..wh."; // notes of other tools to themselves

class Extraction {
public:
    Extraction(InputStream& stream, BorrowedFd directory, const ExtractionOptions& options)
        : options_(options),
          reader_(stream, options.limits, options.warn),
          writer_(directory, options.limits, options.warn) {}

    Extracted run() {
        while (const auto entry = reader_.next()) {
            doing("archive entry '" + escaped_for_people(std::string_view{entry->path}.substr(0, 200)) + "'",
                  [&] { put(*entry); });
            tell();
        }
        writer_.finish();
        return {reader_.entries(), bytes_};
    }

private:
    void tell() const {
        if (options_.progress)
            options_.progress(reader_.entries());
    }

    void put(const TarEntry& entry) {
        const auto place = writer_.place_of(entry.path);
        if (options_.whiteouts == Whiteouts::overlay && place.name.starts_with(whiteout_prefix)) {
            if (place.name == opaque_whiteout)
                writer_.make_opaque(place.directory);
            else if (!place.name.starts_with(reserved_prefix))
                writer_.make_whiteout(place.directory, place.name.substr(whiteout_prefix.size()));
            return;
        }
        switch (entry.type) {
        case EntryType::file: put_file(place, entry); break;
        case EntryType::directory: writer_.make_directory(place, entry.attributes); break;
        case EntryType::symlink: writer_.make_symlink(place, entry); break;
        case EntryType::hard_link: writer_.make_hard_link(place, entry.link_target); break;
        case EntryType::character_device:
            // As a file of its own it would hide files of layers below, which is for whiteouts to say.
            if (entry.device_major == 0 && entry.device_minor == 0 && options_.whiteouts == Whiteouts::overlay)
                throw Failure{FailureKind::hostile, "it is a device that has no meaning"};
            [[fallthrough]];
        case EntryType::fifo:
        case EntryType::socket:
        case EntryType::block_device: writer_.make_node(place, entry); break;
        }
    }

    void put_file(const TreeWriter::Place& place, const TarEntry& entry) {
        const UniqueFd file = writer_.make_file(place);
        std::uint64_t end = 0;
        while (const auto part = reader_.next_part()) {
            if (part->offset > entry.size || part->bytes.size() > entry.size - part->offset)
                throw Failure{FailureKind::hostile, "it has more contents than it says"};
            write_at(file, part->bytes, part->offset);
            end = part->offset + part->bytes.size();
            if (part->bytes.size() >= (std::size_t{1} << 16))
                tell();
        }
        if (end < entry.size && ::ftruncate(file.get(), static_cast<off_t>(entry.size)) < 0)
            throw system_failure("make it as large as it is");
        bytes_ += entry.size;
        writer_.give_attributes(file, entry.attributes);
    }

    static void write_at(BorrowedFd file, Bytes bytes, std::uint64_t offset) {
        while (!bytes.empty()) {
            const ssize_t count = ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (count < 0 && errno == EINTR)
                continue;
            if (count < 0)
                throw system_failure("write it");
            bytes = bytes.subspan(static_cast<std::size_t>(count));
            offset += static_cast<std::uint64_t>(count);
        }
    }

    const ExtractionOptions& options_;
    TarReader reader_;
    TreeWriter writer_;
    std::uint64_t bytes_ = 0;
};

} // namespace

Extracted extract_tar(InputStream& stream, BorrowedFd directory, const ExtractionOptions& options) {
    return Extraction{stream, directory, options}.run();
}

} // namespace machinist
