// SPDX-License-Identifier: LGPL-2.1-or-later
// What machinist-unit tells its launcher on its standard output: lines "KEY VALUE".
#pragma once

#include "base/failure.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace machinist {

struct UnitReport {
    bool has_bus = false;   // else nothing was done
    bool is_listed = false; // org.freedesktop.machine1 knows the machine
    std::optional<Failure> why_not_listed;
    std::optional<Failure> failure; // of the scope, or of reading the order
};

std::string write_unit_report(const UnitReport& report);
// Failure(internal) for a text that is none, as that of a program that died.
UnitReport read_unit_report(std::string_view text);

} // namespace machinist
