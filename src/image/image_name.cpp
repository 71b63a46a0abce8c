// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/image_name.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"

#include <string>

namespace machinist {

namespace {

// Room in a file name for the longest of the suffixes beside an image, and for those of temporary names.
constexpr std::size_t longest = 255 - 32;

} // namespace

bool is_image_name(std::string_view text) {
    return !text.empty() && text.size() <= longest && text != "." && text != ".." && !text.starts_with(".#") &&
           text.find('/') == std::string_view::npos && !has_control_characters(text) && is_utf8(text);
}

bool is_hidden_image_name(std::string_view name) {
    return name.starts_with('.') && name != host_image_name;
}

void check_new_image_name(std::string_view name) {
    if (!is_image_name(name))
        throw Failure{FailureKind::invalid, "'" + escaped_for_people(name) + "' is no name for an image"};
    if (name == host_image_name)
        throw Failure{FailureKind::already_exists, "'.host' always is the name of the host's own root"};
}

} // namespace machinist
