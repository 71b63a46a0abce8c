// SPDX-License-Identifier: LGPL-2.1-or-later
// Limits of a bundle as properties of the machine's scope.
#include "oci/bundle_parts.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace machinist::oci {

void add_property(BundleReading& reading, const std::string& name, const std::string& value) {
    reading.settings().unit_properties.push_back(name + "=" + value);
}

std::optional<std::string> cpu_quota(std::uint64_t quota, std::uint64_t period) {
    if (period == 0 || quota > UINT64_C(1'000'000'000'000))
        return std::nullopt;
    const std::uint64_t hundredths = quota * 10000 / period;
    if (hundredths == 0 || hundredths > 100'000'000)
        return std::nullopt;
    return std::to_string(hundredths / 100) + "." + std::to_string(100 + hundredths % 100).substr(1) + "%";
}

namespace {

constexpr const char* no_property = "is not limited: systemd has no property for it";
constexpr const char* of_old_groups = "is of cgroup v1 only, ignored";
constexpr const char* by_hand = "writing it into the machine's group once it runs";

std::string bytes_or_infinity(std::int64_t bytes) {
    return bytes < 0 ? "infinity" : std::to_string(bytes);
}

void read_memory(Fields memory, BundleReading& reading) {
    const auto limit = memory.number("limit");
    const auto reservation = memory.number("reservation");
    const auto swap = memory.number("swap");
    if (limit && *limit != 0)
        add_property(reading, "MemoryMax", bytes_or_infinity(*limit));
    if (reservation && *reservation != 0)
        add_property(reading, "MemoryLow", bytes_or_infinity(*reservation));
    // There it is the sum of both.
    if (swap && *swap != 0) {
        if (*swap >= 0 && (!limit || *limit <= 0 || *limit > *swap))
            reading.findings.refuse(memory.place_of("swap"), "is no sum of memory and swap, with a limit of memory");
        else
            add_property(reading, "MemorySwapMax", *swap < 0 ? "infinity" : std::to_string(*swap - *limit));
    }
    for (const char* name :
         {"kernel", "kernelTCP", "swappiness", "disableOOMKiller", "useHierarchy", "checkBeforeUpdate"})
        memory.pass_over(name); // cgroup v1
    memory.told_all();
}

void read_cpu(Fields cpu, BundleReading& reading) {
    const auto idle = cpu.number("idle");
    if (idle && *idle != 0 && *idle != 1)
        reading.findings.refuse(cpu.place_of("idle"), "is neither 0 nor 1");
    const bool is_idle = idle.value_or(0) == 1;
    if (is_idle)
        add_property(reading, "CPUWeight", "idle");
    // What runs only when nothing else does has no weight.
    if (const auto shares = cpu.natural("shares"); shares && *shares != 0 && !is_idle) {
        // 2..262144 to 1..10000, as runtimes do it for cgroup v2.
        const std::uint64_t bounded = std::clamp<std::uint64_t>(*shares, 2, 262144);
        add_property(reading, "CPUWeight", std::to_string(1 + (bounded - 2) * 9999 / 262142));
    }
    const auto quota = cpu.number("quota");
    const std::uint64_t period = cpu.natural("period").value_or(usual_period);
    if (quota && *quota > 0) {
        const auto share = cpu_quota(static_cast<std::uint64_t>(*quota), period);
        if (!share)
            reading.findings.refuse(cpu.place_of("quota"), "is no share of the period");
        else
            add_property(reading, "CPUQuota", *share);
        if (share && period != usual_period)
            add_property(reading, "CPUQuotaPeriodSec", std::to_string(period) + "us");
    }
    if (const auto cpus = cpu.text("cpus"); cpus && !cpus->empty()) {
        reading.bundle.settings.cpu_affinity = parse_cpu_list(*cpus);
        if (!reading.bundle.settings.cpu_affinity)
            reading.findings.refuse(cpu.place_of("cpus"), "is no list of processors");
    }
    if (const auto nodes = cpu.text("mems"); nodes && !nodes->empty()) {
        if (parse_cpu_list(*nodes))
            add_property(reading, "AllowedMemoryNodes", *nodes);
        else
            reading.findings.refuse(cpu.place_of("mems"), "is no list of memory nodes");
    }
    if (const auto burst = cpu.natural("burst"); burst && *burst != 0)
        reading.findings.refuse(cpu.place_of("burst"), no_property, by_hand, FailureKind::not_supported);
    for (const char* name : {"realtimeRuntime", "realtimePeriod"})
        cpu.not_done(name, of_old_groups);
    cpu.told_all();
}

struct Throttle {
    const char* name;
    const char* property;
};
constexpr Throttle throttles[] = {{"throttleReadBpsDevice", "IOReadBandwidthMax"},
                                  {"throttleWriteBpsDevice", "IOWriteBandwidthMax"},
                                  {"throttleReadIOPSDevice", "IOReadIOPSMax"},
                                  {"throttleWriteIOPSDevice", "IOWriteIOPSMax"}};

std::optional<std::string> device_path(Fields& device, BundleReading& reading) {
    const auto major = device.natural("major");
    const auto minor = device.natural("minor");
    if (major && minor && *major <= 4095 && *minor <= 1048575)
        return "/dev/block/" + std::to_string(*major) + ":" + std::to_string(*minor);
    reading.findings.refuse(device.place_of("major"), "is no number of a device, with its minor one");
    return std::nullopt;
}

// 10..1000 to 1..10000
std::optional<std::string> io_weight(std::uint64_t weight, const std::string& place, BundleReading& reading) {
    if (weight >= 10 && weight <= 1000)
        return std::to_string(1 + (weight - 10) * 9999 / 990);
    reading.findings.refuse(place, "is no number from 10 to 1000");
    return std::nullopt;
}

void read_block_io(Fields io, BundleReading& reading) {
    if (const auto weight = io.natural("weight"); weight && *weight != 0) {
        if (const auto written = io_weight(*weight, io.place_of("weight"), reading))
            add_property(reading, "IOWeight", *written);
    }
    io.pass_over("leafWeight"); // cgroup v1
    for (Fields& device : io.objects("weightDevice")) {
        const auto path = device_path(device, reading);
        const auto weight = device.natural("weight");
        device.pass_over("leafWeight");
        device.told_all();
        if (path && weight && *weight != 0)
            if (const auto written = io_weight(*weight, device.place_of("weight"), reading))
                add_property(reading, "IODeviceWeight", *path + " " + *written);
    }
    for (const auto& [name, property] : throttles)
        for (Fields& device : io.objects(name)) {
            const auto path = device_path(device, reading);
            const auto rate = device.natural("rate");
            device.told_all();
            if (path && rate && *rate != 0)
                add_property(reading, property, *path + " " + std::to_string(*rate));
        }
    io.told_all();
}

struct Numbers {
    std::uint64_t major, minor;
};
constexpr Numbers standard_devices[] = {{1, 3}, {1, 5}, {1, 7}, {1, 8},    {1, 9},
                                        {5, 0}, {5, 1}, {5, 2}, {10, 200}, {10, 229}};

bool is_opened_anyway(const std::string& type, std::optional<std::uint64_t> major, std::optional<std::uint64_t> minor) {
    return type == "c" && major && ((*major == 136 && !minor) || std::ranges::any_of(standard_devices, [&](Numbers n) {
                                        return n.major == *major && minor == n.minor;
                                    }));
}

// The list is closed already; what a rule opens beyond it must be a device that the bundle brings.
void read_device_rules(Fields& resources, BundleReading& reading) {
    for (Fields& rule : resources.objects("devices")) {
        const bool allows = rule.flag("allow").value_or(false);
        const std::string type = rule.text("type").value_or("a");
        const std::string access = rule.text("access").value_or("rwm");
        const auto major = rule.number("major");
        const auto minor = rule.number("minor");
        rule.told_all();
        const auto number = [](const auto& written) {
            return written && *written >= 0 ? std::optional{static_cast<std::uint64_t>(*written)} : std::nullopt;
        };
        const auto is_brought = [&](const BundleDevice& device) {
            return device.is_block == (type == "b") && number(major) == device.major && number(minor) == device.minor;
        };
        // Nodes may always be made; that they can be opened is another matter.
        if (!allows || access == "m" || is_opened_anyway(type, number(major), number(minor)) ||
            std::ranges::any_of(reading.bundle.devices, is_brought))
            continue;
        reading.findings.refuse(rule.place_of("allow"), "opens devices that are not in linux.devices",
                                "listing them there, or --bind", FailureKind::not_supported);
    }
}

} // namespace

void read_resources(Fields resources, BundleReading& reading) {
    if (auto memory = resources.object("memory"))
        read_memory(std::move(*memory), reading);
    if (auto cpu = resources.object("cpu"))
        read_cpu(std::move(*cpu), reading);
    if (auto io = resources.object("blockIO"))
        read_block_io(std::move(*io), reading);
    if (auto pids = resources.object("pids")) {
        if (const auto limit = pids->number("limit"); limit && *limit != 0)
            add_property(reading, "TasksMax", bytes_or_infinity(*limit));
        pids->told_all();
    }
    read_device_rules(resources, reading);
    for (const char* name : {"hugepageLimits", "rdma"})
        resources.refused(name, no_property, by_hand);
    resources.not_done("network", of_old_groups);
    // Last: where both say something, these are closer to what is meant.
    read_group_files(resources, reading);
    resources.told_all();
}

} // namespace machinist::oci
