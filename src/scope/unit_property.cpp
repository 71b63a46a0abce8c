// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scope/unit_property.hpp"

#include "base/failure.hpp"
#include "base/signal_names.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace machinist {

namespace {

constexpr std::uint64_t infinite = UINT64_MAX;

struct Assignment {
    std::string_view name;
    std::string_view value;
};

using Value = UnitProperty::Value;
using Result = std::optional<UnitProperty>;

std::string with_ending(std::string_view name, std::string_view ending, std::string_view other) {
    return std::string{name.substr(0, name.size() - ending.size())} + std::string{other};
}

template <typename Type>
Result as(const Assignment& given, std::optional<Type> value) {
    if (!value)
        return std::nullopt;
    return UnitProperty{std::string{given.name}, Value{std::move(*value)}};
}

Result text(const Assignment& given) {
    return as(given, std::optional{std::string{given.value}});
}

Result boolean(const Assignment& given) {
    return as(given, parse_bool(given.value));
}

std::vector<std::string> words_of(std::string_view value) {
    std::vector<std::string> words;
    for (const std::string_view word : split_words(value))
        words.emplace_back(word);
    return words;
}

Result words(const Assignment& given) {
    return as(given, std::optional{words_of(given.value)});
}

Result number(const Assignment& given) {
    if (given.value == "infinity")
        return as(given, std::optional{infinite});
    return as(given, parse_integer<std::uint64_t>(given.value));
}

Result weight(const Assignment& given) {
    if (given.value == "idle")
        return as(given, std::optional<std::uint64_t>{0});
    return number(given);
}

// Up to two places behind the point, in hundredths of a percent.
std::optional<std::uint64_t> parse_percentage(std::string_view text) {
    if (!text.ends_with('%'))
        return std::nullopt;
    text.remove_suffix(1);
    const std::size_t point = text.find('.');
    const auto whole = parse_integer<std::uint32_t>(text.substr(0, point));
    if (!whole)
        return std::nullopt;
    std::string places = point == std::string_view::npos ? "0" : std::string{text.substr(point + 1)};
    places.resize(std::max<std::size_t>(places.size(), 2), '0');
    const auto fraction = parse_integer<std::uint32_t>(places);
    if (!fraction || places.size() > 2)
        return std::nullopt;
    return std::uint64_t{*whole} * 100 + *fraction;
}

// As systemd has it: a share of all there is is another property, in parts of 2^32-1.
Result share(const Assignment& given, std::string_view ending = "Scale") {
    const auto percentage = parse_percentage(given.value);
    if (!percentage || *percentage > 10000)
        return std::nullopt;
    const std::uint64_t parts = (*percentage * UINT32_MAX + 9999) / 10000;
    return UnitProperty{std::string{given.name} + std::string{ending}, Value{static_cast<std::uint32_t>(parts)}};
}

Result size_or_share(const Assignment& given) {
    if (given.value.ends_with('%'))
        return share(given);
    if (given.value == "infinity")
        return as(given, std::optional{infinite});
    return as(given, parse_size(given.value));
}

Result number_or_share(const Assignment& given) {
    return given.value.ends_with('%') ? share(given) : number(given);
}

Result pressure_limit(const Assignment& given) {
    return share(given, "");
}

struct TimeUnit {
    std::string_view name;
    double microseconds;
};
constexpr std::array time_units{TimeUnit{"us", 1},        TimeUnit{"usec", 1},    TimeUnit{"ms", 1e3},
                                TimeUnit{"msec", 1e3},    TimeUnit{"", 1e6},      TimeUnit{"s", 1e6},
                                TimeUnit{"sec", 1e6},     TimeUnit{"m", 60e6},    TimeUnit{"min", 60e6},
                                TimeUnit{"h", 3600e6},    TimeUnit{"hr", 3600e6}, TimeUnit{"d", 86400e6},
                                TimeUnit{"day", 86400e6}, TimeUnit{"w", 604800e6}};

std::optional<std::uint64_t> parse_time(std::string_view text) {
    if (text == "infinity")
        return infinite;
    double total = 0;
    bool any = false;
    std::string_view rest = trimmed(text);
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find_first_not_of("0123456789."), rest.size());
        double amount = 0;
        const auto [stop, cause] = std::from_chars(rest.data(), rest.data() + end, amount);
        if (cause != std::errc{} || stop != rest.data() + end)
            return std::nullopt;
        rest = trimmed(rest.substr(end));
        const std::size_t next = std::min(rest.find_first_of("0123456789 "), rest.size());
        const auto* unit = std::ranges::find(time_units, rest.substr(0, next), &TimeUnit::name);
        if (unit == time_units.end())
            return std::nullopt;
        total += amount * unit->microseconds;
        any = true;
        rest = trimmed(rest.substr(next));
    }
    // 2^63 microseconds are past all ends.
    if (!any || !(total < 9.2e18))
        return std::nullopt;
    return static_cast<std::uint64_t>(total);
}

Result time(const Assignment& given) {
    const auto microseconds = parse_time(given.value);
    if (!microseconds)
        return std::nullopt;
    return UnitProperty{with_ending(given.name, "Sec", "USec"), Value{*microseconds}};
}

// Percent of one processor, in microseconds a second.
Result cpu_quota(const Assignment& given) {
    if (given.value.empty())
        return UnitProperty{"CPUQuotaPerSecUSec", Value{infinite}};
    const auto percentage = parse_percentage(given.value);
    if (!percentage || *percentage == 0)
        return std::nullopt;
    return UnitProperty{"CPUQuotaPerSecUSec", Value{*percentage * 100}};
}

Result signal(const Assignment& given) {
    const auto parsed = parse_signal(given.value);
    return as(given, parsed ? std::optional<std::int32_t>{*parsed} : std::nullopt);
}

Result delegate(const Assignment& given) {
    if (const auto wanted = parse_bool(given.value))
        return as(given, wanted);
    return UnitProperty{"DelegateControllers", Value{words_of(given.value)}};
}

// One bit a processor.
Result set_of_cpus(const Assignment& given) {
    std::vector<std::uint8_t> bits;
    if (!given.value.empty()) {
        const auto cpus = parse_cpu_list(given.value);
        if (!cpus)
            return std::nullopt;
        for (const int cpu : *cpus) {
            bits.resize(std::max(bits.size(), static_cast<std::size_t>(cpu) / 8 + 1));
            bits[static_cast<std::size_t>(cpu) / 8] |= static_cast<std::uint8_t>(1 << cpu % 8);
        }
    }
    return as(given, std::optional{std::move(bits)});
}

Result device(const Assignment& given) {
    UnitProperty::Pairs devices;
    const auto parts = split_words(given.value);
    if (parts.size() > 2)
        return std::nullopt;
    const std::string_view access = parts.size() == 2 ? parts[1] : "";
    if (access.find_first_not_of("rwm") != std::string_view::npos)
        return std::nullopt;
    if (!parts.empty())
        devices.emplace_back(parts[0], access.empty() ? "rwm" : access);
    return as(given, std::optional{std::move(devices)});
}

template <auto parse>
Result amount_of_path(const Assignment& given) {
    UnitProperty::Amounts amounts;
    const auto parts = split_words(given.value);
    if (!parts.empty()) {
        const auto amount = parts.size() == 2 ? parse(parts[1]) : std::nullopt;
        if (!amount)
            return std::nullopt;
        amounts.emplace_back(parts[0], *amount);
    }
    std::string name{given.name};
    if (name.ends_with("Sec"))
        name = with_ending(name, "Sec", "USec");
    return UnitProperty{std::move(name), Value{std::move(amounts)}};
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    return parse_integer<std::uint64_t>(text);
}

struct Kind {
    Result (*parse)(const Assignment&);
    std::string_view names; // between blanks
};
// systemd.scope(5), systemd.unit(5), systemd.kill(5), systemd.resource-control(5).
constexpr std::array kinds{
    Kind{text, " Description Slice DevicePolicy KillMode CollectMode OOMPolicy ManagedOOMSwap ManagedOOMMemoryPressure "
               "ManagedOOMPreference MemoryPressureWatch "},
    Kind{boolean,
         " CPUAccounting MemoryAccounting IOAccounting BlockIOAccounting TasksAccounting IPAccounting SendSIGHUP "
         "SendSIGKILL DefaultDependencies IgnoreOnIsolate StopWhenUnneeded RefuseManualStart RefuseManualStop "
         "MemoryZSwapWriteback CoredumpReceive "},
    Kind{words, " After Before Requires Requisite Wants BindsTo PartOf Upholds Conflicts OnFailure OnSuccess "
                "PropagatesStopTo StopPropagatedFrom Documentation DisableControllers DelegateControllers "
                "IPIngressFilterPath IPEgressFilterPath "},
    Kind{number, " CPUShares StartupCPUShares BlockIOWeight StartupBlockIOWeight "},
    Kind{weight, " CPUWeight StartupCPUWeight IOWeight StartupIOWeight "},
    Kind{size_or_share, " MemoryMin MemoryLow MemoryHigh MemoryMax MemorySwapMax MemoryZSwapMax MemoryLimit "
                        "DefaultMemoryMin DefaultMemoryLow StartupMemoryLow StartupMemoryHigh StartupMemoryMax "
                        "StartupMemorySwapMax StartupMemoryZSwapMax "},
    Kind{number_or_share, " TasksMax "},
    Kind{pressure_limit, " ManagedOOMMemoryPressureLimit "},
    Kind{time, " TimeoutStopSec RuntimeMaxSec RuntimeRandomizedExtraSec CPUQuotaPeriodSec MemoryPressureThresholdSec "
               "JobTimeoutSec JobRunningTimeoutSec "},
    Kind{cpu_quota, " CPUQuota "},
    Kind{signal, " KillSignal RestartKillSignal FinalKillSignal WatchdogSignal "},
    Kind{delegate, " Delegate "},
    Kind{set_of_cpus, " AllowedCPUs StartupAllowedCPUs AllowedMemoryNodes StartupAllowedMemoryNodes "},
    Kind{device, " DeviceAllow "},
    Kind{amount_of_path<parse_number>, " IODeviceWeight BlockIODeviceWeight "},
    Kind{amount_of_path<parse_size>, " IOReadBandwidthMax IOWriteBandwidthMax IOReadIOPSMax IOWriteIOPSMax "
                                     "BlockIOReadBandwidth BlockIOWriteBandwidth "},
    Kind{amount_of_path<parse_time>, " IODeviceLatencyTargetSec "},
};

} // namespace

UnitProperty parse_unit_property(std::string_view assignment) {
    const std::size_t equals = assignment.find('=');
    const Assignment given{.name = trimmed(assignment.substr(0, equals)),
                           .value = equals == std::string_view::npos ? "" : trimmed(assignment.substr(equals + 1))};
    if (equals == std::string_view::npos || given.name.empty() || !is_utf8(assignment))
        throw Failure{FailureKind::invalid, "set property '" + escaped_for_people(assignment) +
                                                "' of the unit: it is not written as NAME=VALUE"};
    const std::string between_blanks = " " + std::string{given.name} + " ";
    const auto* kind = std::ranges::find_if(
        kinds, [&](const Kind& known) { return known.names.find(between_blanks) != std::string_view::npos; });
    if (kind == kinds.end() || given.name.find(' ') != std::string_view::npos)
        throw Failure{FailureKind::not_supported, "set property '" + escaped_for_people(given.name) +
                                                      "' of the unit: a scope has none of that name"}
            .try_instead("'systemctl set-property', once the machine runs");
    auto property = kind->parse(given);
    if (!property)
        throw Failure{FailureKind::invalid, "set property '" + escaped_for_people(given.name) + "' of the unit: '" +
                                                escaped_for_people(given.value) + "' is no value of it"};
    return std::move(*property);
}

} // namespace machinist
