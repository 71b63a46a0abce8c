// SPDX-License-Identifier: LGPL-2.1-or-later
// Values that say which disk image is run, and what of it may be used.
#include "spec/option_parsers.hpp"

#include "base/base64.hpp"
#include "base/text.hpp"

namespace machinist::option_parsers {

void image_policy(Reading& reading) {
    const auto policy = ImagePolicy::parse(reading.value);
    if (policy)
        reading.settings.image_policy = policy;
    else
        reading.problem("is no image policy", "rules like root=verity+unprotected:home=absent, see "
                                              "systemd.image-policy(7)");
}

void root_hash(Reading& reading) {
    constexpr std::size_t fewest_digits = 32;
    constexpr std::size_t most_digits = 256;
    const std::string digits = lower_case(reading.value);
    if (digits.size() < fewest_digits || digits.size() > most_digits || digits.size() % 2 != 0 ||
        digits.find_first_not_of("0123456789abcdef") != std::string::npos)
        return reading.problem("is no root hash", "32 hexadecimal digits or more");
    reading.settings.root_hash = digits;
}

void root_hash_signature(Reading& reading) {
    constexpr std::string_view as_text = "base64:";
    if (reading.value.starts_with(as_text)) {
        auto bytes = from_base64(reading.value.substr(as_text.size()));
        if (!bytes || bytes->empty())
            return reading.problem("is no base64", "base64:DATA, or the path of a file");
        reading.settings.root_hash_signature = RootHashSignature{.bytes = std::move(*bytes), .file = {}};
    } else if (auto path = host_path(reading)) {
        reading.settings.root_hash_signature = RootHashSignature{.bytes = {}, .file = std::move(*path)};
    }
}

void verity_data(Reading& reading) {
    if (auto path = host_path(reading))
        reading.settings.verity_data = std::move(path);
}

} // namespace machinist::option_parsers
