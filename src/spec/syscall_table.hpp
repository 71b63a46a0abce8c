// SPDX-License-Identifier: LGPL-2.1-or-later
// The system calls of this architecture's ABIs: names, numbers, and sets of them.
#pragma once

#include "spec/syscall_table_data.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace machinist {

// A name; each ABI has its own number for it, or none.
enum class SyscallId : std::uint16_t {};

inline constexpr std::size_t syscall_name_count = syscall_data::name_offsets.size() - 1;

class SyscallSet {
public:
    constexpr SyscallSet() = default;
    constexpr explicit SyscallSet(const syscall_data::Words& words) : words_(words) {}

    [[nodiscard]] constexpr bool contains(SyscallId id) const {
        return (words_[word_of(id)] & bit_of(id)) != 0;
    }
    constexpr void insert(SyscallId id) {
        words_[word_of(id)] |= bit_of(id);
    }
    constexpr void insert(const SyscallSet& others) {
        for (std::size_t word = 0; word < words_.size(); ++word)
            words_[word] |= others.words_[word];
    }
    constexpr void remove(const SyscallSet& others) {
        for (std::size_t word = 0; word < words_.size(); ++word)
            words_[word] &= ~others.words_[word];
    }

private:
    static constexpr std::size_t word_of(SyscallId id) {
        return static_cast<std::size_t>(id) / 64;
    }
    static constexpr std::uint64_t bit_of(SyscallId id) {
        return std::uint64_t{1} << (static_cast<std::size_t>(id) % 64);
    }

    syscall_data::Words words_{};
};

constexpr std::optional<SyscallId> find_syscall(std::string_view name) {
    // The names are sorted.
    std::size_t first = 0;
    std::size_t end = syscall_name_count;
    while (first < end) {
        const std::size_t middle = (first + end) / 2;
        const std::size_t offset = syscall_data::name_offsets[middle];
        const auto text = syscall_data::name_text.substr(offset, syscall_data::name_offsets[middle + 1] - offset);
        if (text == name)
            return static_cast<SyscallId>(middle);
        if (text < name)
            first = middle + 1;
        else
            end = middle;
    }
    return std::nullopt;
}

// A name that the build must know.
consteval SyscallId syscall_id(std::string_view name) {
    return find_syscall(name).value();
}

constexpr std::optional<SyscallSet> find_syscall_group(std::string_view name) {
    for (std::size_t group = 0; group < syscall_data::group_sets.size(); ++group) {
        const std::size_t offset = syscall_data::group_offsets[group];
        if (syscall_data::group_text.substr(offset, syscall_data::group_offsets[group + 1] - offset) == name)
            return SyscallSet{syscall_data::group_sets[group]};
    }
    return std::nullopt;
}

} // namespace machinist
