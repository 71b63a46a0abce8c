// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/rpm_packages.hpp"

#include <algorithm>
#include <cstdint>

namespace machinist {

namespace {

// Numbers of a file, 0 where it has ended.
class Numbers {
public:
    Numbers(std::string_view file, bool big_endian) : file_(file), big_endian_(big_endian) {}

    [[nodiscard]] std::uint32_t at(std::size_t place, std::size_t size = 4) const {
        if (place > file_.size() || file_.size() - place < size)
            return 0;
        std::uint32_t value = 0;
        for (std::size_t byte = 0; byte < size; ++byte) {
            const auto next = static_cast<std::uint8_t>(file_[place + (big_endian_ ? byte : size - 1 - byte)]);
            value = value << 8 | next;
        }
        return value;
    }
    [[nodiscard]] std::string_view part(std::size_t place, std::size_t size) const {
        return place > file_.size() || file_.size() - place < size ? std::string_view{} : file_.substr(place, size);
    }
    [[nodiscard]] std::size_t size() const {
        return file_.size();
    }

private:
    std::string_view file_;
    bool big_endian_;
};

class HashDatabase {
public:
    static constexpr std::uint32_t magic = 0x061561;
    static constexpr std::size_t magic_at = 12;

    HashDatabase(std::string_view file, bool big_endian) : numbers_(file, big_endian), page_size_(numbers_.at(20)) {}

    [[nodiscard]] bool is_one() const {
        return numbers_.at(magic_at) == magic && page_size_ >= 512 && page_size_ <= 65536 &&
               (page_size_ & (page_size_ - 1)) == 0;
    }

    std::vector<std::string> values() {
        const std::size_t pages = numbers_.size() / page_size_;
        used_.assign(pages, false);
        for (std::size_t page = 1; page < pages; ++page) {
            constexpr std::uint32_t unsorted = 2;
            constexpr std::uint32_t sorted = 13;
            const std::uint32_t type = numbers_.at(page * page_size_ + type_at, 1);
            if (type == unsorted || type == sorted)
                read_page(page * page_size_);
        }
        return std::move(found_);
    }

private:
    static constexpr std::size_t header = 26;
    static constexpr std::size_t next_at = 16;
    static constexpr std::size_t entries_at = 20;
    static constexpr std::size_t length_at = 22; // on a page of a long value
    static constexpr std::size_t type_at = 25;

    // Places of keys and values take turns; they lie from the end of the page towards its beginning.
    void read_page(std::size_t page) {
        const std::size_t entries = std::min<std::size_t>(numbers_.at(page + entries_at, 2), page_size_ / 2);
        for (std::size_t entry = 1; entry < entries; entry += 2) {
            const std::size_t place = numbers_.at(page + header + 2 * entry, 2);
            const std::size_t before = numbers_.at(page + header + 2 * (entry - 1), 2);
            if (place < header || place >= page_size_)
                continue;
            constexpr std::uint32_t on_page = 1;
            constexpr std::uint32_t elsewhere = 3;
            const std::uint32_t type = numbers_.at(page + place, 1);
            if (type == on_page && before > place && before <= page_size_)
                found_.emplace_back(numbers_.part(page + place + 1, before - place - 1));
            else if (type == elsewhere)
                read_long_value(numbers_.at(page + place + 4), numbers_.at(page + place + 8));
        }
    }

    void read_long_value(std::size_t page, std::size_t size) {
        constexpr std::uint32_t of_long_value = 7;
        if (size > numbers_.size())
            return;
        std::string value;
        while (value.size() < size) {
            // Each page belongs to one value: nothing leads in circles, and no file is larger inside than outside.
            if (page == 0 || page >= used_.size() || used_[page])
                return;
            used_[page] = true;
            const std::size_t begin = page * page_size_;
            const std::size_t length = numbers_.at(begin + length_at, 2);
            if (numbers_.at(begin + type_at, 1) != of_long_value || length == 0 || length > page_size_ - header)
                return;
            value += numbers_.part(begin + header, std::min(length, size - value.size()));
            page = numbers_.at(begin + next_at);
        }
        found_.push_back(std::move(value));
    }

    Numbers numbers_;
    std::size_t page_size_;
    std::vector<bool> used_;
    std::vector<std::string> found_;
};

} // namespace

std::optional<std::vector<std::string>> blobs_of_ndb(std::string_view file) {
    constexpr std::size_t page = 4096;
    constexpr std::size_t slot_size = 16;
    constexpr std::size_t block = 16;
    constexpr std::size_t head = 16;
    const Numbers numbers{file, false};
    if (!file.starts_with("RpmP") || numbers.at(4) != 0)
        return std::nullopt;
    std::vector<std::string> found;
    const std::size_t end = std::min<std::size_t>(numbers.at(12) * page, file.size());
    // More than the file has would be one blob many times.
    std::size_t room = file.size();
    for (std::size_t slot = 2 * slot_size; slot + slot_size <= end; slot += slot_size) {
        const std::size_t place = std::size_t{numbers.at(slot + 8)} * block;
        if (numbers.part(slot, 4) != "Slot" || place == 0 || numbers.part(place, 4) != "BlbS" ||
            numbers.at(place + 4) != numbers.at(slot + 4))
            continue;
        const std::string_view blob = numbers.part(place + head, numbers.at(place + 12));
        if (blob.empty() || blob.size() > room)
            continue;
        room -= blob.size();
        found.emplace_back(blob);
    }
    return found;
}

std::optional<std::vector<std::string>> values_of_hash_database(std::string_view file) {
    for (const bool big_endian : {false, true})
        if (HashDatabase database{file, big_endian}; database.is_one())
            return database.values();
    return std::nullopt;
}

} // namespace machinist
