// SPDX-License-Identifier: LGPL-2.1-or-later
// OCI images made of layers that a test writes: as blobs, with the documents that name them, true or false ones.
#pragma once

#include "oci/image_documents.hpp"
#include "transfer/sha256.hpp"
#include "unit/temporary_directory.hpp"
#include "unit/transfer/packed.hpp"
#include "unit/transfer/tar_file.hpp"

#include <string>
#include <vector>

namespace machinist::testing {

inline std::string digits_of(const std::string& bytes) {
    Sha256 sum;
    sum.add({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    return sum.finish();
}

struct OciLayer {
    std::string bytes;          // as the blob is
    std::string contents;       // the digits of the diff id
    std::string digest = {};    // the digits of the digest that is told; empty: the right ones
    std::uint64_t too_much = 0; // on top of the size that is told
};

inline OciLayer plain_layer(TarFile archive) {
    const std::string bytes = archive.end().bytes();
    return {.bytes = bytes, .contents = digits_of(bytes)};
}

struct OciImage {
    std::vector<OciLayer> layers;
    std::string execution = R"({"Cmd": ["/bin/web"], "Env": ["A=b"]})";
    std::string architecture = oci::own_architecture();

    [[nodiscard]] static std::string descriptor(const std::string& type, const std::string& digits, std::size_t size,
                                                const std::string& more = "") {
        return R"({"mediaType": "application/vnd.oci.image.)" + type + R"(", "digest": "sha256:)" + digits +
               R"(", "size": )" + std::to_string(size) + more + "}";
    }
    [[nodiscard]] std::string config() const {
        std::string contents;
        for (const OciLayer& layer : layers)
            contents += (contents.empty() ? "\"sha256:" : ", \"sha256:") + layer.contents + "\"";
        return R"({"os": "linux", "architecture": ")" + architecture + R"(", "config": )" + execution +
               R"(, "rootfs": {"type": "layers", "diff_ids": [)" + contents + "]}}";
    }
    [[nodiscard]] std::string manifest() const {
        std::string blobs;
        for (const OciLayer& layer : layers)
            blobs += (blobs.empty() ? "" : ", ") +
                     descriptor("layer.v1.tar", layer.digest.empty() ? digits_of(layer.bytes) : layer.digest,
                                layer.bytes.size() + layer.too_much);
        return R"({"schemaVersion": 2, "config": )" +
               descriptor("config.v1+json", digits_of(config()), config().size()) + R"(, "layers": [)" + blobs + "]}";
    }
    // blobs/sha256/... in the directory, and its manifest's descriptor.
    [[nodiscard]] std::string write_blobs(const TemporaryDirectory& place, const std::string& directory) const {
        const auto write = [&](const std::string& digits, const std::string& bytes) {
            place.write(directory + "/blobs/sha256/" + digits, bytes);
        };
        for (const OciLayer& layer : layers)
            write(layer.digest.empty() ? digits_of(layer.bytes) : layer.digest, layer.bytes);
        write(digits_of(config()), config());
        write(digits_of(manifest()), manifest());
        return descriptor("manifest.v1+json", digits_of(manifest()), manifest().size(),
                          R"(, "platform": {"os": "linux", "architecture": ")" + architecture + R"("})");
    }
    void write_layout(const TemporaryDirectory& place, const std::string& directory) const {
        place.write(directory + "/oci-layout", R"({"imageLayoutVersion": "1.0.0"})");
        place.write(directory + "/index.json",
                    R"({"schemaVersion": 2, "manifests": [)" + write_blobs(place, directory) + "]}");
    }
};

} // namespace machinist::testing
