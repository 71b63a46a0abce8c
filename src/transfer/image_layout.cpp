// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/image_layout.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/set_aside.hpp"
#include "kernel/files.hpp"
#include "transfer/confined_work.hpp"
#include "transfer/input_stream.hpp"
#include "transfer/sha256.hpp"
#include "transfer/tar_extraction.hpp"
#include "transfer/tar_reader.hpp"

#include <algorithm>
#include <fcntl.h>
#include <memory>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

using namespace oci;

constexpr const char* layout_file = "oci-layout";
constexpr const char* saved_file = "manifest.json";
constexpr int deepest_index = 4;

using Directory = std::shared_ptr<const UniqueFd>;

std::string digest_of(std::string_view text) {
    Sha256 sum;
    sum.add({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    return "sha256:" + sum.finish();
}

std::string path_of(const Digest& digest) {
    return "blobs/sha256/" + digest.digits();
}

std::string document_in(BorrowedFd directory, const std::string& path, Links links) {
    const auto text = read_untrusted(directory, path, largest_document, links);
    if (!text)
        throw Failure{FailureKind::not_found, "'" + escaped_for_people(path) + "' is missing"};
    return *text;
}

std::string blob_in(BorrowedFd directory, const Descriptor& wanted) {
    std::string text = document_in(directory, path_of(wanted.digest), Links::refuse);
    if (text.size() != wanted.size || digest_of(text) != wanted.digest.text())
        throw Failure{FailureKind::hostile, "blob " + wanted.digest.text() + " is not what its digest says"};
    return text;
}

// For reading, with a place of its own.
UniqueFd open_file(BorrowedFd directory, const std::string& path, Links links) {
    const auto found = open_beneath_if_exists(directory, path, O_PATH, links);
    if (!found)
        throw Failure{FailureKind::not_found, "'" + escaped_for_people(path) + "' is missing"};
    if (!S_ISREG(status_of(*found).st_mode))
        throw Failure{FailureKind::hostile, "'" + escaped_for_people(path) + "' is no file"};
    return open_path(path_of_descriptor(*found), O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

SourcedLayer layer_of(const Directory& directory, const Descriptor& blob, const Digest& contents) {
    return {
        contents, blob.digest, blob.size, [directory, blob](ProgressMeter&, const std::string&) {
            UniqueFd file = open_file(*directory, path_of(blob.digest), Links::refuse);
            if (static_cast<std::uint64_t>(status_of(file).st_size) != blob.size)
                throw Failure{FailureKind::hostile, "blob " + blob.digest.text() + " has not the size that is told"};
            return file;
        }};
}

SourcedImage image_of_layout(const Directory& directory, const std::string& name) {
    auto read = read_index_or_manifest(document_in(*directory, "index.json", Links::refuse));
    std::string wanted = name;
    for (int depth = 0; const auto* index = std::get_if<Index>(&read); ++depth) {
        if (depth == deepest_index)
            throw Failure{FailureKind::hostile, "lists of manifests lead to each other"};
        const Descriptor chosen = choose_manifest(*index, wanted);
        read = read_index_or_manifest(blob_in(*directory, chosen));
        wanted.clear();
    }
    const Manifest& manifest = std::get<Manifest>(read);
    SourcedImage image{read_image_config(blob_in(*directory, manifest.config)), {}};
    if (image.config.layers.size() != manifest.layers.size())
        throw Failure{FailureKind::hostile, "its manifest and its configuration have not the same layers"};
    for (std::size_t number = 0; number < manifest.layers.size(); ++number)
        image.layers.push_back(layer_of(directory, manifest.layers[number], image.config.layers[number]));
    return image;
}

const SavedImage& choose_saved(const std::vector<SavedImage>& images, const std::string& name) {
    if (name.empty() && images.size() == 1)
        return images.front();
    for (const SavedImage& image : images)
        if (!name.empty() && std::ranges::find(image.names, name) != image.names.end())
            return image;
    std::string there;
    for (const SavedImage& image : images)
        for (const std::string& known : image.names)
            if (there.size() < 200)
                there += (there.empty() ? "" : ", ") + escaped_for_people(known.substr(0, 60));
    throw Failure{FailureKind::invalid, name.empty()
                                            ? "it holds several images: " + there
                                            : "no image '" + escaped_for_people(name) + "' is in it but " + there};
}

SourcedImage image_of_saved(const Directory& directory, const std::string& name) {
    const auto images = read_saved_images(document_in(*directory, saved_file, Links::refuse));
    const SavedImage& saved = choose_saved(images, name);
    SourcedImage image{read_image_config(document_in(*directory, saved.config, Links::inside_root)), {}};
    if (image.config.layers.size() != saved.layers.size())
        throw Failure{FailureKind::hostile, "its list and its configuration have not the same layers"};
    for (std::size_t number = 0; number < saved.layers.size(); ++number)
        image.layers.push_back({image.config.layers[number], std::nullopt, 0,
                                [directory, path = saved.layers[number]](ProgressMeter&, const std::string&) {
                                    return open_file(*directory, path, Links::inside_root);
                                }});
    return image;
}

bool has_file(BorrowedFd directory, const char* name) {
    struct stat status {};
    return ::fstatat(directory.get(), name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
}

bool begins_an_image(std::string_view path) {
    while (path.starts_with("./"))
        path.remove_prefix(2);
    const std::string_view first = path.substr(0, path.find('/'));
    if (first == "blobs" || path == layout_file || path == "index.json" || path == saved_file || path == "repositories")
        return true;
    // `docker save` of old: directories and files by digests.
    constexpr std::size_t digits = 64;
    return first.size() >= digits &&
           first.substr(0, digits).find_first_not_of("0123456789abcdef") == std::string_view::npos &&
           (first.size() == digits || first.substr(digits) == ".json" || first.substr(digits) == ".tar");
}

} // namespace

bool is_image_layout(BorrowedFd directory) {
    return has_file(directory, layout_file) && has_file(directory, "index.json");
}

bool is_image_archive(BorrowedFd file) {
    const off_t place = ::lseek(file.get(), 0, SEEK_CUR);
    if (place < 0)
        return false;
    const auto look = [&] {
        InputStream stream{file};
        TarReader reader{stream, {}, [](std::string_view) {}};
        std::optional<TarEntry> entry = reader.next();
        if (entry && (entry->path == "./" || entry->path == "."))
            entry = reader.next();
        return std::string{entry && begins_an_image(entry->path) ? "yes" : ""};
    };
    bool found = false;
    try {
        found = !find_out_confined(file, look).empty();
    } catch (const Failure&) {
        // Whatever it is, it is no such archive.
    }
    ::lseek(file.get(), place, SEEK_SET);
    return found;
}

SourcedImage image_in_layout(BorrowedFd directory, const std::string& name) {
    return doing("read the OCI image", [&] {
        const auto kept =
            std::make_shared<const UniqueFd>(open_beneath(directory, ".", O_RDONLY | O_DIRECTORY, Links::refuse));
        if (is_image_layout(*kept))
            return image_of_layout(kept, name);
        if (has_file(*kept, saved_file))
            return image_of_saved(kept, name);
        throw Failure{FailureKind::invalid, "it has neither 'oci-layout' and 'index.json' nor 'manifest.json'"};
    });
}

UnpackedArchive::UnpackedArchive(const Pool& pool, BorrowedFd file, ProgressMeter& meter) {
    const auto& place = pool.places().new_images;
    make_directories(place, 0700);
    path_ = name_in_the_making(place);
    make_directories(path_, 0700);
    try {
        lock_ = lock_in_the_making(path_);
        directory_ = open_path(path_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        (void)do_confined({.tree = directory_, .files = {file}}, meter, [&](ProgressMeter& inner) {
            InputStream stream{file, {.cancellation = inner.cancellation().descriptor()}};
            inner.begin("unpacking the archive", stream.total());
            constexpr std::uint64_t most_entries = 100'000;
            (void)extract_tar(stream, directory_,
                              {.limits = {.entries = most_entries},
                               .progress = [&](std::uint64_t) { inner.tick(stream.bytes_read()); },
                               .warn = [&](std::string_view sentence) { inner.say(4, std::string{sentence}); }});
            inner.end();
            return std::string{};
        });
    } catch (...) {
        remove();
        throw;
    }
}

UnpackedArchive::~UnpackedArchive() {
    remove();
}

void UnpackedArchive::remove() noexcept {
    lock_.reset();
    discard(path_);
}

} // namespace machinist
