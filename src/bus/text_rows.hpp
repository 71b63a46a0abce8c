// SPDX-License-Identifier: LGPL-2.1-or-later
// A list of rows of texts as the bytes that the bus carries (D-Bus Specification, "Marshaling"), made once and sent to
// everybody who asks for it: writing a thousand rows into a message of sd-bus takes longer than all else of a call.
#pragma once

#include "bus/call.hpp"

#include <initializer_list>
#include <string>
#include <string_view>

namespace machinist {

class TextRows {
public:
    // signature: of the columns, of the letters "s" and "o" only.
    explicit TextRows(std::string_view signature);

    // Throws Failure(internal) for what the bus would end our connection for: no UTF-8, zero bytes.
    void add(std::initializer_list<std::string_view> columns);

    // False if the connection has something else to send first: then the call is still to be answered. Throws Failure.
    [[nodiscard]] bool answer(const Call& call) const;

private:
    std::string signature_; // of the whole list
    std::string body_;
};

} // namespace machinist
