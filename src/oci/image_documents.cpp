// SPDX-License-Identifier: LGPL-2.1-or-later
#include "oci/image_documents.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "oci/json_fields.hpp"

#include <algorithm>
#include <sys/utsname.h>

namespace machinist::oci {

namespace {

constexpr std::size_t most_manifests = 1000;
// The kernel stacks at most 500.
constexpr std::size_t most_layers = 400;
constexpr std::size_t longest_list = 10000;

void throw_problems(const Findings& findings) {
    if (findings.problems.empty())
        return;
    Problems few = findings.problems;
    few.resize(std::min<std::size_t>(few.size(), 5));
    throw Failure{FailureKind::hostile, failure_of(few).what()};
}

std::optional<Platform> read_platform(Fields& of) {
    auto platform = of.object("platform");
    if (!platform)
        return std::nullopt;
    return Platform{platform->text("os").value_or(""), platform->text("architecture").value_or(""),
                    platform->text("variant").value_or("")};
}

std::optional<Descriptor> read_descriptor(Fields fields) {
    const auto digest = Digest::parse(fields.text("digest").value_or(""));
    const auto size = fields.natural("size");
    if (!digest)
        fields.findings().refuse(fields.place_of("digest"), "is no SHA-256 digest");
    if (!size || *size > (std::uint64_t{1} << 50))
        fields.findings().refuse(fields.place_of("size"), "is no size");
    // Where else it could be had is not looked at: it would be somebody else's choice whom we ask.
    if (!digest || !size)
        return std::nullopt;
    Descriptor found{fields.text("mediaType").value_or(""), *digest, *size, read_platform(fields), {}};
    if (auto notes = fields.object("annotations"))
        found.name = notes->text("org.opencontainers.image.ref.name").value_or("");
    return found;
}

std::vector<Descriptor> read_descriptors(Fields& fields, const char* name, std::size_t limit) {
    auto objects = fields.objects(name);
    if (objects.size() > limit)
        fields.findings().refuse(fields.place_of(name), "has more than " + std::to_string(limit) + " entries");
    std::vector<Descriptor> found;
    for (std::size_t at = 0; at < std::min(objects.size(), limit); ++at)
        if (auto descriptor = read_descriptor(std::move(objects[at])))
            found.push_back(std::move(*descriptor));
    return found;
}

Manifest read_manifest(Fields& fields) {
    auto config = fields.object("config");
    auto described = config ? read_descriptor(std::move(*config)) : std::nullopt;
    if (!config)
        fields.findings().refuse("config", "is missing");
    auto layers = read_descriptors(fields, "layers", most_layers);
    for (const Descriptor& layer : layers)
        if (layer.media_type.find("foreign") != std::string::npos ||
            layer.media_type.find("nondistributable") != std::string::npos)
            fields.findings().refuse("layers", "has one that is to be had elsewhere only");
    throw_problems(fields.findings());
    return {std::move(*described), std::move(layers)};
}

std::vector<std::string> bounded_texts(Fields& fields, const char* name) {
    auto texts = fields.texts(name);
    if (texts.size() > longest_list)
        fields.findings().refuse(fields.place_of(name), "has too many entries");
    return texts;
}

void read_execution(Fields fields, ImageConfig& config) {
    config.entrypoint = bounded_texts(fields, "Entrypoint");
    config.command = bounded_texts(fields, "Cmd");
    config.environment = bounded_texts(fields, "Env");
    config.user = fields.text("User").value_or("");
    config.working_directory = fields.text("WorkingDir").value_or("");
    config.stop_signal = fields.text("StopSignal").value_or("");
}

Json parse(std::string_view text, Findings& findings) {
    auto json = parse_document(text, findings);
    throw_problems(findings);
    return std::move(*json);
}

std::string shown(const Platform& platform) {
    return escaped_for_people((platform.os + "/" + platform.architecture).substr(0, 60));
}

} // namespace

std::variant<Index, Manifest> read_index_or_manifest(std::string_view text) {
    Findings findings{"manifest", {}, {}};
    const Json json = parse(text, findings);
    Fields fields{json, "", findings};
    if (fields.number("schemaVersion") != 2)
        findings.refuse("schemaVersion", "is not 2");
    throw_problems(findings);
    const bool is_index = json.contains("manifests");
    if (is_index == (json.contains("layers") || json.contains("config")))
        findings.refuse("manifests", "is there beside layers, or neither is");
    throw_problems(findings);
    if (!is_index)
        return read_manifest(fields);
    Index index{read_descriptors(fields, "manifests", most_manifests)};
    throw_problems(findings);
    return index;
}

ImageConfig read_image_config(std::string_view text) {
    Findings findings{"image configuration", {}, {}};
    const Json json = parse(text, findings);
    Fields fields{json, "", findings};
    ImageConfig config;
    config.platform = {fields.text("os").value_or(""), fields.text("architecture").value_or(""), ""};
    if (auto tree = fields.object("rootfs")) {
        for (const std::string& layer : bounded_texts(*tree, "diff_ids")) {
            if (const auto digest = Digest::parse(layer))
                config.layers.push_back(*digest);
            else
                findings.refuse("rootfs.diff_ids", "has something that is no SHA-256 digest");
        }
    }
    if (config.layers.empty() || config.layers.size() > most_layers)
        findings.refuse("rootfs.diff_ids", "has no layers, or more than " + std::to_string(most_layers));
    if (auto execution = fields.object("config"))
        read_execution(std::move(*execution), config);
    throw_problems(findings);
    return config;
}

std::vector<SavedImage> read_saved_images(std::string_view text) {
    Findings findings{"manifest.json", {}, {}};
    // It is a list; the reader of documents wants an object.
    const Json json = parse(R"({"images":)" + std::string{text} + "}", findings);
    Fields fields{json, "", findings};
    std::vector<SavedImage> images;
    for (Fields& image : fields.objects("images")) {
        images.push_back({image.text("Config").value_or(""), image.texts("RepoTags"), image.texts("Layers")});
        if (images.back().config.empty() || images.back().layers.size() > most_layers)
            findings.refuse(image.place_of("Config"), "is missing, or there are too many layers");
    }
    if (images.empty())
        findings.refuse("images", "has nothing");
    throw_problems(findings);
    return images;
}

std::string own_architecture() {
    struct utsname system {};
    ::uname(&system);
    const std::string machine = system.machine;
    constexpr std::pair<std::string_view, std::string_view> names[]{
        {"x86_64", "amd64"}, {"aarch64", "arm64"},      {"i386", "386"},        {"i686", "386"},
        {"armv7l", "arm"},   {"armv6l", "arm"},         {"ppc64le", "ppc64le"}, {"riscv64", "riscv64"},
        {"s390x", "s390x"},  {"loongarch64", "loong64"}};
    for (const auto& [ours, theirs] : names)
        if (machine == ours)
            return std::string{theirs};
    return machine;
}

const Descriptor& choose_manifest(const Index& index, const std::string& name) {
    std::vector<const Descriptor*> named;
    for (const Descriptor& manifest : index.manifests)
        if (name.empty() || manifest.name == name)
            named.push_back(&manifest);
    if (named.empty())
        throw Failure{FailureKind::not_found, name.empty() ? "the list of manifests is empty"
                                                           : "no image '" + escaped_for_people(name) + "' is in it"};
    std::vector<const Descriptor*> fitting;
    for (const Descriptor* manifest : named)
        if (!manifest->platform ||
            (manifest->platform->os == "linux" && manifest->platform->architecture == own_architecture()))
            fitting.push_back(manifest);
    if (fitting.empty()) {
        std::string there;
        for (const Descriptor* manifest : named)
            if (there.size() < 200)
                there += (there.empty() ? "" : ", ") + shown(manifest->platform.value_or(Platform{}));
        throw Failure{FailureKind::not_supported, "it is for other systems only: " + there};
    }
    const bool are_the_same =
        std::ranges::all_of(fitting, [&](const Descriptor* one) { return one->platform.has_value(); }) ||
        std::ranges::all_of(fitting, [&](const Descriptor* one) { return one->digest == fitting.front()->digest; });
    if (!are_the_same) {
        std::string there;
        for (const Descriptor* manifest : fitting)
            if (there.size() < 200 && !manifest->name.empty())
                there += (there.empty() ? "" : ", ") + escaped_for_people(manifest->name.substr(0, 60));
        throw Failure{FailureKind::invalid, "it holds several images: " + there}.try_instead("naming one of them");
    }
    return *fitting.front();
}

} // namespace machinist::oci
