// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/clock_text.hpp"
#include "cli/control/image_verbs.hpp"
#include "cli/control/properties.hpp"
#include "cli/control/size_text.hpp"
#include "image/image_metadata.hpp"
#include "image/pool.hpp"
#include "image/pool_directory.hpp"

#include <cstdio>

namespace machinist {

namespace {

constexpr std::size_t width = 16; // of the names, right-aligned as systemd does it

std::string line(const std::string& name, const std::string& value) {
    if (value.empty())
        return {};
    return std::string(width > name.size() ? width - name.size() : 0, ' ') + name + ": " + value + "\n";
}

std::string moment(std::uint64_t microseconds) {
    if (microseconds == 0)
        return {};
    const std::uint64_t now = realtime_now();
    return timestamp_text(microseconds) + "; " + ago_text(now > microseconds ? now - microseconds : 0);
}

std::string amount(const std::optional<std::uint64_t>& whole, const std::optional<std::uint64_t>& exclusive) {
    if (!whole)
        return {};
    const bool differ = exclusive && *exclusive != *whole;
    return size_text(*whole) + (differ ? " (exclusive: " + size_text(*exclusive) + ")" : "");
}

std::string value_of(const std::map<std::string, std::string>& fields, const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : escaped_for_people(found->second);
}

std::string metadata_text(const PoolImage& image) {
    const bool is_disk = image.type == ImageType::raw || image.type == ImageType::block;
    ImageMetadata metadata;
    try {
        metadata = read_image_metadata(image);
    } catch (const Failure& failure) {
        // What the rest tells holds all the same: a disk that a machine writes to cannot be looked into.
        if (!is_disk)
            throw;
        return line("Contents",
                    failure.kind() == FailureKind::busy ? "in use by a machine" : escaped_for_people(failure.what()));
    }
    const std::string os = value_of(metadata.os_release, "PRETTY_NAME");
    return line("Hostname", metadata.hostname) +
           line("Machine ID", metadata.machine_id ? metadata.machine_id->plain() : "") +
           line("Deployment", value_of(metadata.machine_info, "DEPLOYMENT")) +
           line("OS", os.empty() ? value_of(metadata.os_release, "ID") : os);
}

std::string status_of_image(const PoolImage& image) {
    return escaped_for_people(image.name) + "\n" + line("Type", std::string{name_of(image_type_names, image.type)}) +
           line("Path", escaped_for_people(image.path.native())) + metadata_text(image) +
           line("RO", image.read_only ? "read-only" : "writable") + line("Created", moment(image.created)) +
           line("Modified", moment(image.modified)) + line("Usage", amount(image.usage, image.usage_exclusive)) +
           line("Limit", amount(image.limit, image.limit_exclusive));
}

std::string limit_text(const std::optional<std::uint64_t>& value) {
    return value && *value != UINT64_MAX ? std::to_string(*value) : "infinity";
}

std::string number(const std::optional<std::uint64_t>& value) {
    return std::to_string(value.value_or(UINT64_MAX));
}

// The directory of new images, looked at as one.
PoolImage pool_itself(const Pool& pool) {
    const auto& path = pool.places().new_images;
    if (const auto parent = open_pool_directory(path.parent_path()))
        if (auto image = image_in(*parent, path.filename().native()))
            return std::move(*image);
    return {};
}

std::string status_of_pool(const Pool& pool) {
    const PoolImage itself = pool_itself(pool);
    return line("Path", pool.places().new_images) + line("Usage", amount(itself.usage, itself.usage_exclusive)) +
           line("Limit", amount(itself.limit, itself.limit_exclusive));
}

Properties properties_of_pool(const Pool& pool) {
    const PoolImage itself = pool_itself(pool);
    return {{"PoolPath", pool.places().new_images},
            {"PoolUsage", number(itself.usage)},
            {"PoolLimit", number(itself.limit)}};
}

Properties properties_of_image(const PoolImage& image) {
    const auto moment_of = [](std::uint64_t microseconds) {
        return microseconds == 0 ? "" : timestamp_text(microseconds);
    };
    return {{"Name", image.name},
            {"Path", image.path},
            {"Type", std::string{name_of(image_type_names, image.type)}},
            {"ReadOnly", image.read_only ? "yes" : "no"},
            {"CreationTimestamp", moment_of(image.created)},
            {"ModificationTimestamp", moment_of(image.modified)},
            {"Usage", number(image.usage)},
            {"Limit", limit_text(image.limit)},
            {"UsageExclusive", number(image.usage_exclusive)},
            {"LimitExclusive", limit_text(image.limit_exclusive)}};
}

} // namespace

int show_image_status(const Invocation& call, const MachineStore&) {
    const Pool pool;
    std::vector<std::string> texts;
    if (call.words.empty())
        texts.push_back(status_of_pool(pool));
    for (const std::string& name : call.words)
        texts.push_back(status_of_image(pool.get(name)));
    std::fputs(joined(texts, "\n").c_str(), stdout);
    return 0;
}

int show_images(const Invocation& call, const MachineStore&) {
    const Pool pool;
    std::vector<std::string> texts;
    if (call.words.empty())
        texts.push_back(properties_text(properties_of_pool(pool), call));
    for (const std::string& name : call.words)
        texts.push_back(properties_text(properties_of_image(pool.get(name)), call));
    print_properties(texts, call);
    return 0;
}

} // namespace machinist
