// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/disk_layout.hpp"

#include "base/base64.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <utility>

namespace machinist {

namespace {

constexpr std::string_view first_line = "machinist-disk-layout 1";
constexpr std::string_view last_line = "end";
constexpr std::size_t longest_word = 64;
constexpr std::size_t longest_label = 256;
constexpr std::size_t longest_fault = 256;
constexpr std::size_t most_faults = 16;

std::string word_or_dash(const std::string& word) {
    return word.empty() ? "-" : word;
}

bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= longest_word && std::ranges::all_of(text, [](char byte) {
        return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
               byte == '-' || byte == '_' || byte == '.' || byte == '+';
    });
}

class LayoutReader {
public:
    bool read(std::string_view line) {
        const std::size_t blank = line.find(' ');
        const std::string_view name = line.substr(0, blank);
        const std::string_view value = blank == std::string_view::npos ? "" : line.substr(blank + 1);
        if (name == "table") {
            const auto table = value_named(partition_table_names, value);
            layout.table = table.value_or(PartitionTable::none);
            return table.has_value();
        }
        if (name == "size")
            return number(value, layout.size);
        if (name == "sector")
            return number(value, layout.sector_size);
        if (name == "filesystem")
            return word(value, layout.filesystem);
        if (name == "fault")
            return fault(value);
        return name == "partition" && partition(value);
    }

    DiskLayout layout;

private:
    template <typename Number>
    static bool number(std::string_view text, Number& into) {
        const auto value = parse_integer<Number>(text);
        into = value.value_or(0);
        return value.has_value();
    }
    static bool word(std::string_view text, std::string& into) {
        if (!is_word(text))
            return false;
        into = text == "-" ? "" : text;
        return true;
    }
    static bool text(std::string_view encoded, std::string& into, std::size_t longest) {
        auto bytes = from_base64(encoded);
        if (!bytes || bytes->size() > longest)
            return false;
        into = std::move(*bytes);
        return true;
    }
    bool fault(std::string_view value) {
        return layout.faults.size() < most_faults && text(value, layout.faults.emplace_back(), longest_fault);
    }
    bool partition(std::string_view value) {
        const auto fields = split(value, ' ');
        if (fields.size() != 8 || layout.partitions.size() == most_partitions)
            return false;
        Partition& one = layout.partitions.emplace_back();
        return number(fields[0], one.number) && word(fields[1], one.type) && word(fields[2], one.id) &&
               number(fields[3], one.attributes) && number(fields[4], one.offset) && number(fields[5], one.size) &&
               word(fields[6], one.filesystem) && text(fields[7], one.label, longest_label);
    }
};

std::string name_of(const Partition& partition) {
    return "partition " + std::to_string(partition.number);
}

} // namespace

std::string text_of(const DiskLayout& layout) {
    std::string text{first_line};
    const auto line = [&](const char* name, const std::string& value) {
        text += std::string{"\n"} + name + " " + value;
    };
    line("table", std::string{name_of(partition_table_names, layout.table)});
    line("size", std::to_string(layout.size));
    line("sector", std::to_string(layout.sector_size));
    line("filesystem", word_or_dash(layout.filesystem));
    for (const Partition& one : layout.partitions)
        line("partition", std::to_string(one.number) + " " + word_or_dash(one.type) + " " + word_or_dash(one.id) + " " +
                              std::to_string(one.attributes) + " " + std::to_string(one.offset) + " " +
                              std::to_string(one.size) + " " + word_or_dash(one.filesystem) + " " +
                              base64(one.label.substr(0, longest_label)));
    for (const std::string& fault : layout.faults)
        if (&fault < layout.faults.data() + most_faults)
            line("fault", base64(fault.substr(0, longest_fault)));
    return text + "\n" + std::string{last_line} + "\n";
}

std::optional<DiskLayout> parse_disk_layout(std::string_view text) {
    if (text.size() > longest_layout_text)
        return std::nullopt;
    const auto lines = split(text, '\n');
    if (lines.size() < 3 || lines.front() != first_line || lines[lines.size() - 2] != last_line ||
        !lines.back().empty())
        return std::nullopt;
    LayoutReader reader;
    for (std::size_t at = 1; at + 2 < lines.size(); ++at)
        if (!reader.read(lines[at]))
            return std::nullopt;
    return std::move(reader.layout);
}

void check_layout(const DiskLayout& layout) {
    const auto refuse = [](const std::string& why) {
        throw Failure{FailureKind::hostile, "read its partition table: " + why};
    };
    if (!layout.faults.empty())
        refuse(escaped_for_people(layout.faults.front()));
    const std::uint32_t sector = layout.sector_size;
    if (sector != 512 && sector != 1024 && sector != 2048 && sector != 4096)
        refuse("its sectors have " + std::to_string(sector) + " bytes");
    std::vector<const Partition*> sorted;
    for (const Partition& one : layout.partitions) {
        if (one.size == 0 || one.offset % sector != 0 || one.size % sector != 0)
            refuse(name_of(one) + " does not consist of whole sectors");
        if (one.offset < sector || one.offset > layout.size || one.size > layout.size - one.offset)
            refuse(name_of(one) + " does not lie within the disk: bytes " + std::to_string(one.offset) + " and " +
                   std::to_string(one.size) + " from there, of " + std::to_string(layout.size));
        sorted.push_back(&one);
    }
    std::ranges::sort(sorted, {}, &Partition::offset);
    for (std::size_t at = 1; at < sorted.size(); ++at)
        if (sorted[at]->offset < sorted[at - 1]->offset + sorted[at - 1]->size)
            refuse(name_of(*sorted[at - 1]) + " and " + name_of(*sorted[at]) + " overlap");
    std::ranges::sort(sorted, {}, &Partition::number);
    for (std::size_t at = 1; at < sorted.size(); ++at)
        if (sorted[at]->number == sorted[at - 1]->number)
            refuse("there are two of the number " + std::to_string(sorted[at]->number));
}

} // namespace machinist
