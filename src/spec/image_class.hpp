// SPDX-License-Identifier: LGPL-2.1-or-later
// What images are for, as systemd's importctl tells them apart.
#pragma once

#include "base/enum_names.hpp"

#include <cstdint>

namespace machinist {

enum class ImageClass : std::uint8_t { machine, portable, sysext, confext };
inline constexpr EnumNames<ImageClass, 4> image_class_names{{{ImageClass::machine, "machine"},
                                                             {ImageClass::portable, "portable"},
                                                             {ImageClass::sysext, "sysext"},
                                                             {ImageClass::confext, "confext"}}};
inline constexpr EnumNames<ImageClass, 4> image_class_directories{{{ImageClass::machine, "/var/lib/machines"},
                                                                   {ImageClass::portable, "/var/lib/portables"},
                                                                   {ImageClass::sysext, "/var/lib/extensions"},
                                                                   {ImageClass::confext, "/var/lib/confexts"}}};

} // namespace machinist
