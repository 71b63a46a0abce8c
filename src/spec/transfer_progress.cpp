// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/transfer_progress.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

namespace machinist {

namespace {

std::string size_of(std::uint64_t bytes) {
    constexpr std::string_view units = "BKMGTPE";
    std::size_t unit = 0;
    auto number = static_cast<double>(bytes);
    while (number >= 1024 && unit + 1 < units.size()) {
        number /= 1024;
        ++unit;
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), unit == 0 || number >= 100 ? "%.0f%c" : "%.1f%c", number, units[unit]);
    return text.data();
}

std::string time_of(std::uint64_t microseconds) {
    const std::uint64_t seconds = (microseconds + 500'000) / 1'000'000;
    if (seconds < 60)
        return std::to_string(seconds) + "s";
    if (seconds < 3600)
        return std::to_string(seconds / 60) + "min " + std::to_string(seconds % 60) + "s";
    return std::to_string(seconds / 3600) + "h " + std::to_string(seconds % 3600 / 60) + "min";
}

} // namespace

double TransferProgress::fraction() const {
    if (!total || *total == 0)
        return 0;
    return std::min(1.0, static_cast<double>(bytes) / static_cast<double>(*total));
}

std::string write_transfer_progress(const TransferProgress& progress) {
    const auto number = [](const std::optional<std::uint64_t>& value) {
        return value ? std::to_string(*value) : std::string{};
    };
    return "STAGE=" + progress.stage + "\nBYTES=" + std::to_string(progress.bytes) +
           "\nTOTAL=" + number(progress.total) + "\nRATE=" + std::to_string(progress.rate) +
           "\nLEFT=" + number(progress.left) + "\nEND=1\n";
}

std::optional<TransferProgress> parse_transfer_progress(std::string_view text) {
    if (!text.ends_with("\nEND=1\n"))
        return std::nullopt;
    std::map<std::string_view, std::string_view> values;
    for (const std::string_view line : split(text, '\n'))
        if (const auto equals = line.find('='); equals != std::string_view::npos)
            values[line.substr(0, equals)] = line.substr(equals + 1);
    TransferProgress progress;
    progress.stage = values["STAGE"];
    progress.bytes = parse_integer<std::uint64_t>(values["BYTES"]).value_or(0);
    progress.total = parse_integer<std::uint64_t>(values["TOTAL"]);
    progress.rate = parse_integer<std::uint64_t>(values["RATE"]).value_or(0);
    progress.left = parse_integer<std::uint64_t>(values["LEFT"]);
    return progress;
}

std::string transfer_progress_text(const TransferProgress& progress) {
    std::string text = progress.stage;
    if (progress.total && *progress.total > 0)
        text.append("  ").append(std::to_string(static_cast<int>(progress.fraction() * 100))).append(" %");
    text.append("  ").append(size_of(progress.bytes));
    if (progress.total && *progress.total > 0)
        text.append(" of ").append(size_of(*progress.total));
    if (progress.rate > 0)
        text.append(", ").append(size_of(progress.rate)).append("/s");
    if (progress.left)
        text.append(", ").append(time_of(*progress.left)).append(" left");
    return text;
}

std::string transfer_progress_bar(const TransferProgress& progress, unsigned columns) {
    const std::string text = transfer_progress_text(progress);
    constexpr unsigned least = 10;
    if (!progress.total || *progress.total == 0 || columns < text.size() + least + 4)
        return text.substr(0, columns);
    const unsigned width = std::min(40U, columns - static_cast<unsigned>(text.size()) - 4);
    const auto full = static_cast<unsigned>(progress.fraction() * width);
    return "[" + std::string(full, '#') + std::string(width - full, '-') + "] " + text;
}

} // namespace machinist
