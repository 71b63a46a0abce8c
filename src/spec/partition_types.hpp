// SPDX-License-Identifier: LGPL-2.1-or-later
// What partitions are for, by their types of the discoverable partitions specification.
#pragma once

#include "base/enum_names.hpp"

#include <optional>
#include <string_view>

namespace machinist {

enum class Designator {
    root,
    usr,
    home,
    srv,
    esp,
    xbootldr,
    swap,
    root_verity,
    root_verity_sig,
    usr_verity,
    usr_verity_sig,
    tmp,
    var
};
inline constexpr EnumNames<Designator, 13> designator_names{{{Designator::root, "root"},
                                                             {Designator::usr, "usr"},
                                                             {Designator::home, "home"},
                                                             {Designator::srv, "srv"},
                                                             {Designator::esp, "esp"},
                                                             {Designator::xbootldr, "xbootldr"},
                                                             {Designator::swap, "swap"},
                                                             {Designator::root_verity, "root-verity"},
                                                             {Designator::root_verity_sig, "root-verity-sig"},
                                                             {Designator::usr_verity, "usr-verity"},
                                                             {Designator::usr_verity_sig, "usr-verity-sig"},
                                                             {Designator::tmp, "tmp"},
                                                             {Designator::var, "var"}}};

struct PartitionType {
    Designator designator = Designator::root;
    std::string_view architecture; // "" where it does not matter
};

// uuid: of GPT, in lower case. Nothing for what the specification does not know.
std::optional<PartitionType> partition_type(std::string_view uuid);

inline constexpr std::string_view generic_linux_type = "0fc63daf-8483-4772-8e79-3d69d8477de4";

// Of this program; what it runs beside its own kind; "" for none.
std::string_view native_architecture();
std::string_view secondary_architecture();

} // namespace machinist
