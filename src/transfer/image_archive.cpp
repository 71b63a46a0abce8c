// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/image_archive.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "oci/image_settings.hpp"
#include "oci/image_writing.hpp"
#include "spec/settings_file.hpp"
#include "transfer/exports.hpp"
#include "transfer/input_stream.hpp"
#include "transfer/sha256.hpp"

#include <array>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace machinist {

namespace {

using namespace oci;

constexpr std::size_t record = 512;
constexpr std::uint64_t largest_in_octal = std::uint64_t{1} << 33;

Digest digest_of(std::string_view text) {
    Sha256 sum;
    sum.add({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    return *Digest::parse("sha256:" + sum.finish());
}

// The few files of such an archive, all of them short names.
class ArchiveWriter {
public:
    ArchiveWriter(BorrowedFd to, ProgressMeter& meter) : to_(to), meter_(meter) {}

    void add(const std::string& name, std::string_view text) {
        begin(name, text.size());
        put(text);
        pad(text.size());
    }
    void add(const std::string& name, BorrowedFd file, std::uint64_t size) {
        begin(name, size);
        std::vector<char> buffer(std::size_t{1} << 20);
        for (std::uint64_t at = 0; at < size;) {
            const ssize_t count = ::pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(at));
            if (count <= 0)
                throw system_failure("read the packed layer");
            put({buffer.data(), static_cast<std::size_t>(count)});
            at += static_cast<std::uint64_t>(count);
            meter_.tick(at);
        }
        pad(size);
    }
    void end() {
        put(std::string(2 * record, '\0'));
    }

private:
    void put(std::string_view bytes) {
        write_all(to_, bytes);
    }
    void pad(std::uint64_t size) {
        put(std::string((record - size % record) % record, '\0'));
    }
    void begin(const std::string& name, std::uint64_t size) {
        std::array<char, record> header{};
        std::memcpy(header.data(), name.data(), name.size());
        std::memcpy(header.data() + 100,
                    "0000644\0"
                    "0000000\0"
                    "0000000",
                    24);
        if (size < largest_in_octal) {
            std::snprintf(header.data() + 124, 12, "%011llo", static_cast<unsigned long long>(size));
        } else {
            // As GNU tar writes what octal digits cannot say.
            header[124] = static_cast<char>(0x80);
            for (std::size_t byte = 0; byte < 8; ++byte)
                header[135 - byte] = static_cast<char>(size >> (8 * byte) & 0xff);
        }
        std::memcpy(header.data() + 136, "00000000000", 12);
        header[156] = '0';
        std::memcpy(header.data() + 257,
                    "ustar\0"
                    "00",
                    8);
        std::memset(header.data() + 148, ' ', 8);
        unsigned sum = 0;
        for (const char byte : header)
            sum += static_cast<unsigned char>(byte);
        std::snprintf(header.data() + 148, 8, "%06o", sum);
        put({header.data(), header.size()});
    }

    BorrowedFd to_;
    ProgressMeter& meter_;
};

ImageConfig read_config(const Pool& pool, const PoolImage& image) {
    std::vector<std::filesystem::path> places = pool.places().settings;
    places.push_back(image.entry.parent_path());
    for (const auto& place : places) {
        const auto file = open_path_if_exists(place / (image.name + ".nspawn"), O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (file && S_ISREG(status_of(*file).st_mode))
            return config_of(parse_settings_file(read_all(*file), place, true).settings);
    }
    return config_of({});
}

std::string media_type_of(Compression compression) {
    const std::string type = layer_media_type;
    return compression == Compression::none ? type : type + (compression == Compression::gzip ? "+gzip" : "+zstd");
}

} // namespace

void export_oci_archive(const Pool& pool, const std::string& name, BorrowedFd to, Compression compression,
                        ProgressMeter& meter) {
    if (compression == Compression::xz || compression == Compression::bzip2)
        throw Failure{FailureKind::invalid,
                      "layers are not packed as " + std::string{name_of(compression_names, compression)}}
            .try_instead("--format=gzip or zstd");
    const PoolImage image = pool.get(name);
    const UniqueFd packed = open_path(pool.places().new_images, O_TMPFILE | O_RDWR, 0600);
    export_image(pool, ExportKind::tar, name, packed, compression, meter);
    ::lseek(packed.get(), 0, SEEK_SET);
    InputStream stream{
        packed, {.digest_as_read = true, .digest_unpacked = true, .cancellation = meter.cancellation().descriptor()}};
    meter.begin("computing digests", stream.total());
    while (!stream.next().empty())
        meter.tick(stream.bytes_read());

    ImageConfig config = read_config(pool, image);
    config.platform = {"linux", own_architecture(), ""};
    config.layers = {*Digest::parse("sha256:" + stream.digest_unpacked())};
    const std::string config_text = text_of(config);
    const auto size = static_cast<std::uint64_t>(status_of(packed).st_size);
    const Digest layer = *Digest::parse("sha256:" + stream.digest_as_read());
    const Manifest manifest{{config_media_type, digest_of(config_text), config_text.size(), {}, {}},
                            {{media_type_of(compression), layer, size, {}, {}}}};
    const std::string manifest_text = text_of(manifest);
    const Index index{{{manifest_media_type, digest_of(manifest_text), manifest_text.size(), config.platform, name}}};

    meter.begin("writing", size);
    ArchiveWriter archive{to, meter};
    const auto blob = [](const Digest& digest) { return "blobs/sha256/" + digest.digits(); };
    archive.add("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
    archive.add("index.json", text_of(index));
    archive.add(blob(digest_of(manifest_text)), manifest_text);
    archive.add(blob(manifest.config.digest), config_text);
    archive.add(blob(layer), packed, size);
    archive.end();
    meter.end();
}

} // namespace machinist
