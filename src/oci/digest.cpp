// SPDX-License-Identifier: LGPL-2.1-or-later
#include "oci/digest.hpp"

namespace machinist::oci {

std::optional<Digest> Digest::parse(std::string_view text) {
    constexpr std::string_view algorithm = "sha256:";
    constexpr std::size_t digits = 64;
    if (!text.starts_with(algorithm))
        return std::nullopt;
    text.remove_prefix(algorithm.size());
    if (text.size() != digits || text.find_first_not_of("0123456789abcdef") != std::string_view::npos)
        return std::nullopt;
    return Digest{text};
}

} // namespace machinist::oci
