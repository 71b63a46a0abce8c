// SPDX-License-Identifier: LGPL-2.1-or-later
#include "oci/image_writing.hpp"

#include "oci/json_fields.hpp"

namespace machinist::oci {

namespace {

using OrderedJson = nlohmann::ordered_json;

// What is no UTF-8 cannot be said in JSON.
std::string dumped(const OrderedJson& json) {
    return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

OrderedJson descriptor(const Descriptor& blob) {
    OrderedJson json{{"mediaType", blob.media_type}, {"digest", blob.digest.text()}, {"size", blob.size}};
    if (blob.platform)
        json["platform"] = {{"architecture", blob.platform->architecture}, {"os", blob.platform->os}};
    if (!blob.name.empty())
        json["annotations"] = {{"org.opencontainers.image.ref.name", blob.name}};
    return json;
}

void add(OrderedJson& json, const char* name, const std::vector<std::string>& words) {
    if (!words.empty())
        json[name] = words;
}

void add(OrderedJson& json, const char* name, const std::string& text) {
    if (!text.empty())
        json[name] = text;
}

} // namespace

std::string text_of(const ImageConfig& config) {
    OrderedJson execution = OrderedJson::object();
    add(execution, "User", config.user);
    add(execution, "Env", config.environment);
    add(execution, "Entrypoint", config.entrypoint);
    add(execution, "Cmd", config.command);
    add(execution, "WorkingDir", config.working_directory);
    add(execution, "StopSignal", config.stop_signal);
    OrderedJson layers = OrderedJson::array();
    for (const Digest& layer : config.layers)
        layers.push_back(layer.text());
    return dumped({{"architecture", config.platform.architecture},
                   {"os", config.platform.os},
                   {"config", execution},
                   {"rootfs", {{"type", "layers"}, {"diff_ids", layers}}}});
}

std::string text_of(const Manifest& manifest) {
    OrderedJson layers = OrderedJson::array();
    for (const Descriptor& layer : manifest.layers)
        layers.push_back(descriptor(layer));
    return dumped({{"schemaVersion", 2},
                   {"mediaType", manifest_media_type},
                   {"config", descriptor(manifest.config)},
                   {"layers", layers}});
}

std::string text_of(const Index& index) {
    OrderedJson manifests = OrderedJson::array();
    for (const Descriptor& manifest : index.manifests)
        manifests.push_back(descriptor(manifest));
    return dumped({{"schemaVersion", 2}, {"manifests", manifests}});
}

} // namespace machinist::oci
