// SPDX-License-Identifier: LGPL-2.1-or-later
// The full name of a device by the Container Device Interface: "nvidia.com/gpu=0".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace machinist {

struct CdiName {
    std::string kind; // "nvidia.com/gpu": vendor and class
    std::string device;
    friend bool operator==(const CdiName&, const CdiName&) = default;
};

bool is_cdi_kind(std::string_view text);
bool is_cdi_device(std::string_view text);

std::optional<CdiName> parse_cdi_name(std::string_view text);
std::string text_of(const CdiName& name);

} // namespace machinist
