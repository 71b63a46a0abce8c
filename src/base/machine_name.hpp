// SPDX-License-Identifier: LGPL-2.1-or-later
// A machine's name, valid by construction: the one grammar at every door (rule R11, Container Interface M2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace machinist {

// 1 to 64 bytes; labels of [A-Za-z0-9_-] joined by single dots; no dot at either end.
class MachineName {
public:
    static std::optional<MachineName> parse(std::string_view text);
    // What is left of any text once all that a name may not hold is dropped; nothing if that is nothing.
    // This is how a directory's last component becomes a name.
    static std::optional<MachineName> cleaned(std::string_view text);

    [[nodiscard]] const std::string& text() const {
        return text_;
    }
    friend bool operator==(const MachineName&, const MachineName&) = default;
    friend auto operator<=>(const MachineName&, const MachineName&) = default;

private:
    explicit MachineName(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

} // namespace machinist
