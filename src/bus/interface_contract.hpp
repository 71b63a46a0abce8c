// SPDX-License-Identifier: LGPL-2.1-or-later
// What an interface on the bus consists of. The tables are made from dbus/*.xml when the project is built.
#pragma once

#include <cstdint>
#include <span>

namespace machinist {

enum class MemberKind : std::uint8_t { method, signal, property };
enum class Emits : std::uint8_t { never_changes, value, invalidation, nothing };

struct Member {
    MemberKind kind = MemberKind::method;
    const char* name = "";
    const char* in = "";    // signature of a method's arguments
    const char* out = "";   // of its answer, of a signal, of a property
    const char* names = ""; // of the arguments, each with a zero byte behind it
    Emits emits = Emits::nothing;
    bool hidden = false;   // served, but not in the introspection
    bool writable = false; // of a property: by who has all rights of the host
};

struct InterfaceContract {
    const char* name;
    std::span<const Member> members;
};

} // namespace machinist
