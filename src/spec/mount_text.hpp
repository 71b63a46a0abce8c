// SPDX-License-Identifier: LGPL-2.1-or-later
// Mounts as people write them: the values of --bind, --overlay, --tmpfs, --inaccessible and of their keys.
#pragma once

#include "spec/machine_spec.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace machinist {

// Why the text is no such mount: the end of a sentence that began with the text ("has no destination").
struct NoMount {
    std::string why;
};
using ParsedMount = std::variant<ExtraMount, NoMount>;

// "[+]SOURCE[:DESTINATION[:OPTION,...]]"; an empty source is an empty directory made for this run.
ParsedMount parse_bind(std::string_view text, bool read_only);
// "LOWER[:LOWER...]:UPPER:DESTINATION"; of two paths the second is both upper directory and destination.
ParsedMount parse_overlay(std::string_view text, bool read_only);
// "PATH[:OPTIONS]"
ParsedMount parse_tmpfs(std::string_view text);
ParsedMount parse_inaccessible(std::string_view text);

// As the option would be written: "--bind-ro=/a:/b:rootidmap".
std::string option_text(const ExtraMount& mount);

// Absolute, without "." and ".." and doubled slashes; nothing if the text is no such path.
std::optional<Path> destination_path(std::string_view text);

} // namespace machinist
