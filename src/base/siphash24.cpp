// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/siphash24.hpp"

#include <bit>
#include <cstddef>

namespace machinist {

namespace {

template <typename Bytes>
std::uint64_t little_endian(const Bytes& bytes, std::size_t from, std::size_t count) {
    std::uint64_t word = 0;
    for (std::size_t at = 0; at < count; ++at)
        word |= std::uint64_t{static_cast<std::uint8_t>(bytes[from + at])} << (8 * at);
    return word;
}

struct State {
    std::uint64_t v0, v1, v2, v3;

    void round() {
        v0 += v1;
        v2 += v3;
        v1 = std::rotl(v1, 13) ^ v0;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 = std::rotl(v0, 32);
        v2 += v1;
        v0 += v3;
        v1 = std::rotl(v1, 17) ^ v2;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 = std::rotl(v2, 32);
    }
    void absorb(std::uint64_t word) {
        v3 ^= word;
        round();
        round();
        v0 ^= word;
    }
};

} // namespace

std::uint64_t siphash24(std::string_view bytes, const SipHashKey& key) {
    const std::uint64_t k0 = little_endian(key, 0, 8);
    const std::uint64_t k1 = little_endian(key, 8, 8);
    State state{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8)
        state.absorb(little_endian(bytes, at, 8));
    state.absorb(little_endian(bytes, at, bytes.size() - at) | std::uint64_t{bytes.size()} << 56);
    state.v2 ^= 0xFF;
    for (int round = 0; round < 4; ++round)
        state.round();
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

} // namespace machinist
