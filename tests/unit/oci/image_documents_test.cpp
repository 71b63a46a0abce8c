// SPDX-License-Identifier: LGPL-2.1-or-later
#include "oci/image_documents.hpp"

#include "base/failure.hpp"

#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace machinist::oci {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string zeros(64, '0');
const std::string ones(64, '1');

std::string descriptor(const std::string& digits, const std::string& more = "") {
    return R"({"mediaType": "a/b", "digest": "sha256:)" + digits + R"(", "size": 7)" +
           (more.empty() ? "" : ", " + more) + "}";
}

std::string platform(const std::string& architecture) {
    return R"("platform": {"os": "linux", "architecture": ")" + architecture + R"("})";
}

Index index_of(const std::string& manifests) {
    return std::get<Index>(read_index_or_manifest(R"({"schemaVersion": 2, "manifests": [)" + manifests + "]}"));
}

std::string refusal(const std::function<void()>& body) {
    try {
        body();
        return "none";
    } catch (const Failure& failure) {
        return failure.what();
    }
}

} // namespace

TEST(ADigest, IsSha256InSmallHexadecimalDigits) {
    EXPECT_EQ(Digest::parse("sha256:" + zeros)->text(), "sha256:" + zeros);
    for (const std::string& bad : {zeros, "sha256:" + zeros.substr(1), "sha256:" + zeros + "0", "sha512:" + zeros,
                                   "sha256:" + std::string(64, 'A'), "sha256:../" + zeros.substr(3), std::string{}})
        EXPECT_FALSE(Digest::parse(bad)) << bad;
}

TEST(AManifest, NamesConfigurationAndLayers) {
    const auto read = read_index_or_manifest(R"({"schemaVersion": 2, "config": )" + descriptor(zeros) +
                                             R"(, "layers": [)" + descriptor(ones) + "]}");

    const Manifest& manifest = std::get<Manifest>(read);
    EXPECT_EQ(manifest.config.digest.digits(), zeros);
    ASSERT_EQ(manifest.layers.size(), 1U);
    EXPECT_EQ(manifest.layers[0].size, 7U);
}

TEST(AManifest, IsRefusedIfItIsNone) {
    std::string many;
    for (int layer = 0; layer < 401; ++layer)
        many += (layer == 0 ? "" : ",") + descriptor(ones);
    const std::string texts[] = {
        "",
        "[]",
        "{}",
        std::string(100000, '{'),
        R"({"schemaVersion": 1, "manifests": []})",
        R"({"schemaVersion": 2, "manifests": [], "layers": []})",
        R"({"schemaVersion": 2, "layers": []})",
        R"({"schemaVersion": 2, "config": {"digest": "sha256:0", "size": 1}, "layers": []})",
        R"({"schemaVersion": 2, "config": )" + descriptor(zeros) + R"(, "layers": [{"digest": "sha256:)" + ones +
            R"(", "size": -1}]})",
        R"({"schemaVersion": 2, "config": )" + descriptor(zeros) + R"(, "layers": [)" + many + "]}",
        R"({"schemaVersion": 2, "config": )" + descriptor(zeros) + R"(, "layers": {"a": 1}})",
        R"({"schemaVersion": 2, "config": )" + descriptor(zeros) +
            R"(, "layers": [{"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "digest": "sha256:)" +
            ones + R"(", "size": 1, "urls": ["https://elsewhere.example/"]}]})",
    };
    for (const std::string& text : texts)
        EXPECT_NE(refusal([&] { (void)read_index_or_manifest(text); }), "none") << text.substr(0, 100);
}

TEST(AnIndex, IsAskedForWhatRunsHere) {
    const Index index =
        index_of(descriptor(zeros, platform("vax")) + "," + descriptor(ones, platform(own_architecture())));

    EXPECT_EQ(choose_manifest(index, "").digest.digits(), ones);
}

TEST(AnIndex, NamesWhatThereIsIfNothingRunsHere) {
    const Index index = index_of(descriptor(zeros, platform("vax")));

    EXPECT_THAT(refusal([&] { (void)choose_manifest(index, ""); }), HasSubstr("linux/vax"));
}

TEST(AnIndex, OfSeveralImagesWantsAName) {
    const auto named = [](const std::string& name) {
        return R"("annotations": {"org.opencontainers.image.ref.name": ")" + name + R"("})";
    };
    const Index index = index_of(descriptor(zeros, named("one")) + "," + descriptor(ones, named("two")));

    EXPECT_EQ(choose_manifest(index, "two").digest.digits(), ones);
    EXPECT_THAT(refusal([&] { (void)choose_manifest(index, ""); }), HasSubstr("one, two"));
    EXPECT_THAT(refusal([&] { (void)choose_manifest(index, "three"); }), HasSubstr("no image 'three'"));
}

TEST(AnImageConfiguration, SaysWhatRuns) {
    const ImageConfig config = read_image_config(R"({"os": "linux", "architecture": "amd64", "config": {"Env": ["A=b"],
        "Entrypoint": ["/a"], "Cmd": ["b", "c"], "User": "1000:100", "WorkingDir": "/srv", "StopSignal": "SIGQUIT",
        "Volumes": {"/data": {}}}, "rootfs": {"type": "layers", "diff_ids": ["sha256:)" +
                                                 zeros + R"("]}, "history": []})");

    EXPECT_THAT(config.command, ElementsAre("b", "c"));
    EXPECT_EQ(config.user, "1000:100");
    EXPECT_EQ(config.layers.size(), 1U);
}

TEST(AnImageConfiguration, IsRefusedWithoutLayersOrWithOtherTypes) {
    for (const char* text :
         {"{}", R"({"rootfs": {"diff_ids": []}})", R"({"rootfs": {"diff_ids": ["sha256:1"]}})", R"({"rootfs": []})"})
        EXPECT_NE(refusal([&] { (void)read_image_config(text); }), "none") << text;
    EXPECT_NE(refusal([&] {
                  (void)read_image_config(R"({"config": {"Cmd": "sh"}, "rootfs": {"diff_ids": ["sha256:)" + zeros +
                                          R"("]}})");
              }),
              "none");
}

TEST(ASavedImage, NamesFilesOfItsArchive) {
    const auto images =
        read_saved_images(R"([{"Config": "a.json", "RepoTags": ["web:1"], "Layers": ["a/layer.tar"]}])");

    ASSERT_EQ(images.size(), 1U);
    EXPECT_THAT(images[0].layers, ElementsAre("a/layer.tar"));
    for (const char* text : {"", "{}", "[]", "[1]", R"([{"Layers": []}])", "[] , \"more\": 1"})
        EXPECT_NE(refusal([&] { (void)read_saved_images(text); }), "none") << text;
}

} // namespace machinist::oci
