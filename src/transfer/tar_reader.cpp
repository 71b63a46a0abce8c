// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/tar_reader.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "transfer/access_list_attribute.hpp"
#include "transfer/utf8_locale.hpp"
#include "transfer/wanted_attributes.hpp"

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <cerrno>
#include <exception>
#include <set>
#include <string>
#include <utility>

namespace machinist {

namespace {

constexpr std::uint64_t block = 512;

struct CloseArchive {
    void operator()(archive* reader) const {
        ::archive_read_free(reader);
    }
};

std::optional<EntryType> type_of(archive_entry* entry) {
    if (::archive_entry_hardlink(entry) != nullptr)
        return EntryType::hard_link;
    switch (::archive_entry_filetype(entry)) {
    case AE_IFREG: return EntryType::file;
    case AE_IFDIR: return EntryType::directory;
    case AE_IFLNK: return EntryType::symlink;
    case AE_IFIFO: return EntryType::fifo;
    case AE_IFSOCK: return EntryType::socket;
    case AE_IFCHR: return EntryType::character_device;
    case AE_IFBLK: return EntryType::block_device;
    default: return std::nullopt;
    }
}

std::uint32_t id_from(la_int64_t number, const char* what) {
    // The last one means "no change" to chown(2).
    if (number < 0 || number >= la_int64_t{UINT32_MAX})
        throw Failure{FailureKind::hostile, std::string{what} + " " + std::to_string(number) + " is no id"};
    return static_cast<std::uint32_t>(number);
}

} // namespace

struct TarReader::State {
    State(InputStream& from, const ExtractionLimits& most, Warn tell)
        : stream(from), limits(most), warn(std::move(tell)) {}

    InputStream& stream;
    ExtractionLimits limits;
    Warn warn;
    Utf8Locale locale;
    std::unique_ptr<archive, CloseArchive> reader{::archive_read_new()};
    std::exception_ptr broken;          // of the stream, which the library must not see
    std::uint64_t given = 0;            // bytes of the stream
    std::uint64_t behind_last_byte = 0; // that is not zero
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
    std::uint64_t place = 0; // in the current file
    bool at_end = false;
    std::set<std::string> warned; // of names in access lists

    Bytes take();
    void check_ratio() const;
    void check_end(std::uint64_t end_mark);
    [[noreturn]] void fail(const char* what);
    TarEntry describe(archive_entry* entry);
    void describe_attributes(archive_entry* entry, EntryAttributes& attributes);
};

Bytes TarReader::State::take() {
    const Bytes piece = stream.next();
    const auto last = std::find_if(piece.rbegin(), piece.rend(), [](std::uint8_t byte) { return byte != 0; });
    if (last != piece.rend())
        behind_last_byte = given + static_cast<std::uint64_t>(piece.rend() - last);
    given += piece.size();
    check_ratio();
    return piece;
}

void TarReader::State::check_ratio() const {
    if (given > limits.ratio_counts_from && given / std::max<std::uint64_t>(stream.bytes_read(), 1) > limits.ratio)
        throw Failure{FailureKind::hostile,
                      "the archive unpacks to more than " + std::to_string(limits.ratio) + " times its size"};
}

void TarReader::State::fail(const char* what) {
    if (broken)
        std::rethrow_exception(std::exchange(broken, nullptr));
    if (given == 0)
        throw Failure{FailureKind::invalid, "read the archive: it is empty"};
    const char* text = ::archive_error_string(reader.get());
    throw Failure{FailureKind::hostile,
                  std::string{what} + ": " + escaped_for_people(text != nullptr ? text : "it is damaged")};
}

void TarReader::State::check_end(std::uint64_t end_mark) {
    at_end = true;
    while (!take().empty())
        continue;
    if (behind_last_byte > end_mark)
        throw Failure{FailureKind::hostile, "read the archive: something else is behind its end"};
    if (given < end_mark + block)
        throw Failure{FailureKind::hostile, "read the archive: it is cut off"};
}

void TarReader::State::describe_attributes(archive_entry* entry, EntryAttributes& attributes) {
    attributes.owner = id_from(::archive_entry_uid(entry), "its owner");
    attributes.group = id_from(::archive_entry_gid(entry), "its group");
    attributes.mode = ::archive_entry_perm(entry) & 07777;
    if (::archive_entry_mtime_is_set(entry) != 0)
        attributes.modified = timespec{::archive_entry_mtime(entry), ::archive_entry_mtime_nsec(entry)};
    std::size_t size = 0;
    ::archive_entry_xattr_reset(entry);
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t length = 0;
    while (::archive_entry_xattr_next(entry, &name, &value, &length) == ARCHIVE_OK) {
        size += length;
        if (size > limits.attributes)
            throw Failure{FailureKind::hostile,
                          "its extended attributes have more than " + std::to_string(limits.attributes) + " bytes"};
        if (name != nullptr && is_wanted_attribute(name))
            attributes.extended.emplace_back(name, std::string{static_cast<const char*>(value), length});
    }
    const auto unknown = [this](const std::string& who) {
        constexpr std::size_t most_warnings = 16;
        if (warn && warned.size() < most_warnings && warned.insert(who).second)
            warn("access lists name '" + escaped_for_people(who) + "' without a number, which is left out");
    };
    for (const auto& [type, attribute] : {std::pair{ARCHIVE_ENTRY_ACL_TYPE_ACCESS, access_list_name},
                                          std::pair{ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, default_list_name}})
        if (auto list = access_list_of(entry, type, unknown))
            attributes.extended.emplace_back(attribute, std::move(*list));
}

TarEntry TarReader::State::describe(archive_entry* entry) {
    TarEntry result;
    const char* path = ::archive_entry_pathname(entry);
    if (path == nullptr)
        throw Failure{FailureKind::hostile, "read the archive: entry " + std::to_string(entries) + " has no name"};
    result.path = path;
    return doing("archive entry '" + escaped_for_people(result.path.substr(0, 200)) + "'", [&] {
        const auto type = type_of(entry);
        if (!type)
            throw Failure{FailureKind::not_supported, "it is of a type that is not known"};
        result.type = *type;
        if (result.path.size() > limits.path)
            throw Failure{FailureKind::hostile, "its name has more than " + std::to_string(limits.path) + " bytes"};
        if (const char* target = *type == EntryType::hard_link ? ::archive_entry_hardlink(entry)
                                 : *type == EntryType::symlink ? ::archive_entry_symlink(entry)
                                                               : "")
            result.link_target = target;
        if (*type == EntryType::file) {
            const la_int64_t size = ::archive_entry_size(entry);
            if (size < 0 || static_cast<std::uint64_t>(size) > limits.bytes - bytes)
                throw Failure{FailureKind::hostile,
                              "with it, the archive's files have more than " + std::to_string(limits.bytes) + " bytes"};
            result.size = static_cast<std::uint64_t>(size);
            bytes += result.size;
        }
        result.device_major = static_cast<unsigned>(::archive_entry_rdevmajor(entry));
        result.device_minor = static_cast<unsigned>(::archive_entry_rdevminor(entry));
        describe_attributes(entry, result.attributes);
        return std::move(result);
    });
}

TarReader::TarReader(InputStream& stream, const ExtractionLimits& limits, Warn warn)
    : state_(std::make_unique<State>(stream, limits, std::move(warn))) {
    archive* reader = state_->reader.get();
    if (reader == nullptr)
        throw Failure{FailureKind::internal, "start libarchive"};
    ::archive_read_support_format_tar(reader);
    const auto read = [](archive* of, void* data, const void** buffer) -> la_ssize_t {
        auto& state = *static_cast<State*>(data);
        try {
            const Bytes piece = state.take();
            *buffer = piece.data();
            return static_cast<la_ssize_t>(piece.size());
        } catch (...) {
            state.broken = std::current_exception();
            ::archive_set_error(of, EIO, "the stream failed");
            return -1;
        }
    };
    if (::archive_read_open2(reader, state_.get(), nullptr, read, nullptr, nullptr) != ARCHIVE_OK)
        state_->fail("read the archive");
}

TarReader::~TarReader() = default;

std::optional<TarEntry> TarReader::next() {
    State& state = *state_;
    if (state.at_end)
        return std::nullopt;
    archive_entry* entry = nullptr;
    const int result = ::archive_read_next_header(state.reader.get(), &entry);
    if (state.broken)
        std::rethrow_exception(std::exchange(state.broken, nullptr));
    if (state.given > 0 && result == ARCHIVE_EOF) {
        state.check_end(static_cast<std::uint64_t>(::archive_read_header_position(state.reader.get())));
        return std::nullopt;
    }
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
        state.fail("read the archive");
    if (result == ARCHIVE_WARN && state.warn)
        state.warn(::archive_error_string(state.reader.get()));
    state.place = 0;
    if (++state.entries > state.limits.entries)
        throw Failure{FailureKind::hostile,
                      "the archive has more than " + std::to_string(state.limits.entries) + " entries"};
    return state.describe(entry);
}

std::optional<TarReader::Part> TarReader::next_part() {
    State& state = *state_;
    const void* buffer = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int result = ::archive_read_data_block(state.reader.get(), &buffer, &size, &offset);
    if (result == ARCHIVE_EOF)
        return std::nullopt;
    if (result != ARCHIVE_OK || offset < 0)
        state.fail("read from the archive");
    return Part{{static_cast<const std::uint8_t*>(buffer), size}, static_cast<std::uint64_t>(offset)};
}

std::uint64_t TarReader::entries() const {
    return state_->entries;
}

} // namespace machinist
