// SPDX-License-Identifier: LGPL-2.1-or-later
// Files of cgroup v2 that a bundle names (linux.resources.unified), as the properties of the scope that keep them.
#include "oci/bundle_parts.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace machinist::oci {

namespace {

struct GroupFile {
    std::string_view name;
    const char* property;
    // False for a value without meaning.
    bool (*read)(BundleReading& reading, const char* property, std::string_view value);
};

std::optional<std::string> amount_or_infinity(std::string_view text) {
    if (text == "max")
        return "infinity";
    const auto amount = parse_integer<std::uint64_t>(text);
    return amount ? std::optional{std::to_string(*amount)} : std::nullopt;
}

std::optional<std::string> weight(std::string_view text) {
    const auto weight = parse_integer<std::uint64_t>(text);
    return weight && *weight >= 1 && *weight <= 10000 ? std::optional{std::to_string(*weight)} : std::nullopt;
}

bool add_if_it_is_one(BundleReading& reading, const char* property, const std::optional<std::string>& value) {
    if (value)
        add_property(reading, property, *value);
    return value.has_value();
}

bool amount(BundleReading& reading, const char* property, std::string_view value) {
    return add_if_it_is_one(reading, property, amount_or_infinity(value));
}

bool plain_weight(BundleReading& reading, const char* property, std::string_view value) {
    return add_if_it_is_one(reading, property, weight(value));
}

bool idle(BundleReading& reading, const char* property, std::string_view value) {
    if (value == "1")
        add_property(reading, property, "idle");
    return value == "0" || value == "1";
}

bool numbers(BundleReading& reading, const char* property, std::string_view value) {
    return add_if_it_is_one(reading, property,
                            parse_cpu_list(value) ? std::optional{std::string{value}} : std::nullopt);
}

// "max", "QUOTA", "QUOTA PERIOD" in microseconds
bool quota(BundleReading& reading, const char* property, std::string_view value) {
    const auto words = split_words(value);
    if (words.empty() || words.size() > 2)
        return false;
    const auto period = words.size() == 2 ? parse_integer<std::uint64_t>(words[1]) : std::optional{usual_period};
    if (words[0] == "max")
        return period.has_value();
    const auto time = parse_integer<std::uint64_t>(words[0]);
    if (!time || !period || !add_if_it_is_one(reading, property, cpu_quota(*time, *period)))
        return false;
    if (*period != usual_period)
        add_property(reading, "CPUQuotaPeriodSec", std::to_string(*period) + "us");
    return true;
}

// "MAJOR:MINOR"
std::optional<std::string> device_path(std::string_view numbers) {
    const auto parts = split(numbers, ':');
    const auto is_number = [](std::string_view part) { return parse_integer<std::uint32_t>(part).has_value(); };
    const bool is_one = parts.size() == 2 && std::ranges::all_of(parts, is_number);
    return is_one ? std::optional{"/dev/block/" + std::string{numbers}} : std::nullopt;
}

// Lines of "WEIGHT", "default WEIGHT" and "MAJOR:MINOR WEIGHT"
bool io_weights(BundleReading& reading, const char* property, std::string_view value) {
    return std::ranges::all_of(split(trimmed(value), '\n'), [&](std::string_view line) {
        const auto words = split_words(line);
        if (words.empty() || words.size() > 2 || !weight(words.back()))
            return false;
        if (words.size() == 1 || words[0] == "default")
            return add_if_it_is_one(reading, property, weight(words.back()));
        const auto path = device_path(words[0]);
        return add_if_it_is_one(reading, "IODeviceWeight",
                                path ? std::optional{*path + " " + *weight(words[1])} : std::nullopt);
    });
}

struct IoLimit {
    std::string_view key;
    const char* property;
};
constexpr std::array io_limits{IoLimit{"rbps", "IOReadBandwidthMax"}, IoLimit{"wbps", "IOWriteBandwidthMax"},
                               IoLimit{"riops", "IOReadIOPSMax"}, IoLimit{"wiops", "IOWriteIOPSMax"}};

// "rbps=1048576"; "max" is what it is without.
bool io_limit(BundleReading& reading, const std::string& path, std::string_view word) {
    const std::size_t equals = std::min(word.find('='), word.size());
    const auto* limit = std::ranges::find(io_limits, word.substr(0, equals), &IoLimit::key);
    const auto value = amount_or_infinity(word.substr(std::min(equals + 1, word.size())));
    if (limit == io_limits.end() || !value)
        return false;
    if (*value != "infinity")
        add_property(reading, limit->property, path + " " + *value);
    return true;
}

// Lines of "MAJOR:MINOR KEY=VALUE..."
bool io_maxima(BundleReading& reading, const char*, std::string_view value) {
    return std::ranges::all_of(split(trimmed(value), '\n'), [&](std::string_view line) {
        const auto words = split_words(line);
        const auto path = words.size() < 2 ? std::nullopt : device_path(words[0]);
        return path && std::all_of(words.begin() + 1, words.end(),
                                   [&](std::string_view word) { return io_limit(reading, *path, word); });
    });
}

constexpr std::array group_files{
    GroupFile{"memory.min", "MemoryMin", amount},
    GroupFile{"memory.low", "MemoryLow", amount},
    GroupFile{"memory.high", "MemoryHigh", amount},
    GroupFile{"memory.max", "MemoryMax", amount},
    GroupFile{"memory.swap.max", "MemorySwapMax", amount},
    GroupFile{"memory.zswap.max", "MemoryZSwapMax", amount},
    GroupFile{"pids.max", "TasksMax", amount},
    GroupFile{"cpu.weight", "CPUWeight", plain_weight},
    GroupFile{"cpu.idle", "CPUWeight", idle},
    GroupFile{"cpu.max", "CPUQuota", quota},
    GroupFile{"cpuset.cpus", "AllowedCPUs", numbers},
    GroupFile{"cpuset.mems", "AllowedMemoryNodes", numbers},
    GroupFile{"io.weight", "IOWeight", io_weights},
    GroupFile{"io.max", "", io_maxima},
};

} // namespace

void read_group_files(Fields& resources, BundleReading& reading) {
    for (const auto& [name, value] : resources.text_pairs("unified")) {
        const std::string place = resources.place_of("unified." + name);
        const auto* file = std::ranges::find(group_files, name, &GroupFile::name);
        if (file == group_files.end())
            reading.findings.refuse(place, "is not written: systemd has no property for it",
                                    "writing it into the machine's group once it runs", FailureKind::not_supported);
        else if (!file->read(reading, file->property, trimmed(value)))
            reading.findings.refuse(place, "has a value without a meaning");
    }
}

} // namespace machinist::oci
