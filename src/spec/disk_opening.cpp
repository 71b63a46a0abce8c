// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/disk_opening.hpp"

#include "base/base64.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace machinist {

namespace {

constexpr std::size_t longest_word = 64;
constexpr std::size_t longest_key = 1024;
constexpr std::size_t longest_salt = 512;
constexpr std::size_t shortest_root_hash = 32;
constexpr std::size_t longest_root_hash = 256;

bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= longest_word && std::ranges::all_of(text, [](char byte) {
        return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
               byte == '-' || byte == '_' || byte == ':' || byte == '(' || byte == ')' || byte == ',';
    });
}

bool is_hexadecimal(std::string_view text, std::size_t longest) {
    return !text.empty() && text.size() <= longest && text.size() % 2 == 0 &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

template <typename Number>
bool read(std::string_view text, Number& into) {
    const auto value = parse_integer<Number>(text);
    into = value.value_or(0);
    return value.has_value();
}

bool is_block_size(std::uint32_t size) {
    return size >= 512 && size <= 65536 && (size & (size - 1)) == 0;
}

std::vector<std::string_view> words_of(std::string_view text) {
    return text.ends_with('\n') ? split(text.substr(0, text.size() - 1), ' ') : std::vector<std::string_view>{};
}

} // namespace

std::string text_of(const LuksOpening& opening) {
    return "luks " + opening.cipher + " " + opening.key + " " + std::to_string(opening.offset) + " " +
           std::to_string(opening.first_iv) + " " + std::to_string(opening.sector_size) + " " +
           (opening.allows_discards ? "discards" : "-") + "\n";
}

std::string text_of(const VerityOpening& opening) {
    return "verity " + std::to_string(opening.version) + " " + opening.algorithm + " " +
           std::to_string(opening.data_block) + " " + std::to_string(opening.tree_block) + " " +
           std::to_string(opening.data_blocks) + " " + std::to_string(opening.first_tree_block) + " " +
           (opening.salt.empty() ? "-" : opening.salt) + "\n";
}

std::string text_of(const SignedHash& hash) {
    return "signed " + hash.root_hash + " " + base64(hash.signature) + "\n";
}

bool is_root_hash(std::string_view digits) {
    return digits.size() >= shortest_root_hash && is_hexadecimal(digits, longest_root_hash);
}

std::optional<LuksOpening> parse_luks_opening(std::string_view text) {
    const auto words = words_of(text);
    LuksOpening opening;
    if (words.size() != 7 || words[0] != "luks" || !is_word(words[1]) || !is_hexadecimal(words[2], longest_key) ||
        !read(words[3], opening.offset) || !read(words[4], opening.first_iv) || !read(words[5], opening.sector_size) ||
        opening.offset % 512 != 0 || !is_block_size(opening.sector_size))
        return std::nullopt;
    opening.cipher = words[1];
    opening.key = words[2];
    opening.allows_discards = words[6] == "discards";
    return opening;
}

std::optional<VerityOpening> parse_verity_opening(std::string_view text) {
    const auto words = words_of(text);
    VerityOpening opening;
    if (words.size() != 8 || words[0] != "verity" || !read(words[1], opening.version) || !is_word(words[2]) ||
        !read(words[3], opening.data_block) || !read(words[4], opening.tree_block) ||
        !read(words[5], opening.data_blocks) || !read(words[6], opening.first_tree_block) ||
        !is_block_size(opening.data_block) || !is_block_size(opening.tree_block) ||
        opening.data_blocks > UINT64_MAX / opening.data_block || opening.data_blocks == 0)
        return std::nullopt;
    if (words[7] != "-" && !is_hexadecimal(words[7], longest_salt))
        return std::nullopt;
    opening.algorithm = words[2];
    opening.salt = words[7] == "-" ? "" : words[7];
    return opening;
}

std::optional<SignedHash> parse_signed_hash(std::string_view text) {
    const auto words = words_of(text);
    if (words.size() != 3 || words[0] != "signed" || !is_root_hash(words[1]))
        return std::nullopt;
    auto signature = from_base64(words[2]);
    if (!signature || signature->empty() || signature->size() > longest_root_hash_signature)
        return std::nullopt;
    return SignedHash{.root_hash = std::string{words[1]}, .signature = std::move(*signature)};
}

} // namespace machinist
