// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/imports.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "transfer/confined_work.hpp"
#include "transfer/input_stream.hpp"
#include "transfer/os_tree.hpp"
#include "transfer/qcow2.hpp"
#include "transfer/raw_copy.hpp"
#include "transfer/tar_extraction.hpp"
#include "transfer/tree_copying.hpp"
#include "transfer/tree_walk.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr int warning = 4;

std::function<void(std::string_view)> warn_by(const ProgressMeter& meter) {
    return [&meter](std::string_view sentence) { meter.say(warning, std::string{sentence}); };
}

InputOptions input_of(const ProgressMeter& meter) {
    return {.cancellation = meter.cancellation().descriptor()};
}

// Of a plain file that is not packed, from its beginning on.
bool is_plain_disk(BorrowedFd file) {
    if (!S_ISREG(status_of(file).st_mode) || ::lseek(file.get(), 0, SEEK_CUR) != 0)
        return false;
    std::array<std::uint8_t, compression_magic_size> beginning{};
    const ssize_t count = ::pread(file.get(), beginning.data(), beginning.size(), 0);
    return count > 0 && compression_of(Bytes{beginning}.first(static_cast<std::size_t>(count))) == Compression::none;
}

void convert(BorrowedFd from, BorrowedFd to, ProgressMeter& meter) {
    meter.begin("converting");
    convert_qcow2(
        from, to, [&](std::uint64_t size) { meter.learn_total(size); },
        [&](std::uint64_t bytes) { meter.tick(bytes); });
    meter.end();
}

void unpack_disk(BorrowedFd file, BorrowedFd to, BorrowedFd between, ProgressMeter& meter) {
    const auto count = [&](std::uint64_t bytes) { meter.tick(bytes); };
    InputStream stream{file, input_of(meter)};
    meter.begin(stream.compression() == Compression::none ? "copying" : "unpacking", stream.total());
    const Bytes first = stream.next();
    if (first.empty())
        throw Failure{FailureKind::invalid, "the disk image is empty"};
    const bool is_packed_again = is_qcow2(first);
    copy_stream_to_disk(first, stream, is_packed_again ? between : to, count);
    meter.end();
    if (is_packed_again)
        convert(between, to, meter);
}

} // namespace

void unpack_tar_into(BorrowedFd file, BorrowedFd directory, ProgressMeter& meter) {
    const auto unpack = [&](ProgressMeter& inner) {
        InputStream stream{file, input_of(inner)};
        inner.begin("unpacking", stream.total());
        const Extracted done =
            extract_tar(stream, directory,
                        {.progress = [&](std::uint64_t) { inner.tick(stream.bytes_read()); }, .warn = warn_by(inner)});
        inner.end();
        return std::to_string(done.entries);
    };
    if (do_confined({.tree = directory, .files = {file}}, meter, unpack) == "0")
        throw Failure{FailureKind::invalid, "the archive has nothing in it"};
    lift_os_tree(directory);
}

void unpack_raw_into(BorrowedFd file, const NewImage& image, ProgressMeter& meter) {
    const auto count = [&](std::uint64_t bytes) { meter.tick(bytes); };
    if (is_plain_disk(file)) {
        std::array<std::uint8_t, qcow2_magic_size> beginning{};
        (void)!::pread(file.get(), beginning.data(), beginning.size(), 0);
        if (!is_qcow2(beginning)) {
            meter.begin("copying", static_cast<std::uint64_t>(status_of(file).st_size));
            copy_disk(file, image.descriptor(), count);
            meter.end();
            return;
        }
        (void)do_confined({.files = {file, image.descriptor()}}, meter, [&](ProgressMeter& inner) {
            convert(file, image.descriptor(), inner);
            return std::string{};
        });
        return;
    }
    const UniqueFd unpacked = image.unnamed_file();
    (void)do_confined({.files = {file, image.descriptor(), unpacked}}, meter, [&](ProgressMeter& inner) {
        unpack_disk(file, image.descriptor(), unpacked, inner);
        return std::string{};
    });
}

ImportKind kind_of_import(BorrowedFd file) {
    const struct stat status = status_of(file);
    if (S_ISDIR(status.st_mode))
        return ImportKind::directory;
    if (!S_ISREG(status.st_mode))
        throw Failure{FailureKind::not_supported, "find out what comes by a pipe"}.try_instead(
            "import-tar or import-raw");
    constexpr std::size_t tar_header = 512;
    const off_t place = ::lseek(file.get(), 0, SEEK_CUR);
    const std::string beginning = find_out_confined(file, [&] {
        InputStream stream{file};
        const Bytes piece = stream.next();
        return std::string{piece.begin(),
                           piece.begin() + static_cast<std::ptrdiff_t>(std::min(piece.size(), tar_header))};
    });
    if (beginning.size() < tar_header)
        throw Failure{FailureKind::invalid, "it is neither a tar archive nor a disk image: it is too short"};
    ::lseek(file.get(), place, SEEK_SET);
    constexpr std::size_t magic_at = 257;
    if (std::memcmp(beginning.data() + magic_at, "ustar", 5) == 0)
        return ImportKind::tar;
    // Without a mark, as the oldest archives are: the header's sum tells. An archive without entries is zeros, as an
    // empty disk is, and as useless.
    unsigned sum = 0;
    constexpr std::size_t sum_at = 148;
    constexpr std::size_t sum_size = 8;
    for (std::size_t at = 0; at < beginning.size(); ++at)
        sum += at >= sum_at && at < sum_at + sum_size ? ' ' : static_cast<unsigned char>(beginning[at]);
    const std::string digits = beginning.substr(sum_at, 6);
    if (beginning[0] != 0 && std::strtoul(digits.c_str(), nullptr, 8) == sum)
        return ImportKind::tar;
    return ImportKind::raw;
}

void import_image(const Pool& pool, ImportKind kind, BorrowedFd from, const std::string& name,
                  const NewImageOptions& options, ProgressMeter& meter) {
    NewImage image{pool, name, kind == ImportKind::raw ? ImageForm::file : ImageForm::tree, options};
    switch (kind) {
    case ImportKind::tar: unpack_tar_into(from, image.descriptor(), meter); break;
    case ImportKind::raw: unpack_raw_into(from, image, meter); break;
    case ImportKind::directory:
        meter.begin("copying", measure_tree(from).bytes);
        copy_tree_into(
            from, image.descriptor(), [&](std::uint64_t bytes) { meter.tick(bytes); }, warn_by(meter));
        meter.end();
        break;
    }
    meter.begin("finishing");
    image.finish();
}

std::string image_name_from(const std::filesystem::path& path) {
    std::string name = path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
    const auto drop = [&](std::string_view suffix) {
        const bool found = name.size() > suffix.size() && name.ends_with(suffix);
        if (found)
            name.resize(name.size() - suffix.size());
        return found;
    };
    for (const char* suffix : {".gz", ".bz2", ".xz", ".zst"})
        if (drop(suffix))
            break;
    for (const char* suffix : {".tar", ".raw", ".qcow2", ".img", ".tgz", ".txz", ".tbz2", ".tzst"})
        if (drop(suffix))
            break;
    return name;
}

} // namespace machinist
