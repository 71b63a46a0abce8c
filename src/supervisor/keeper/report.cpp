// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/report.hpp"

#include "supervisor/keeper/text.hpp"

#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace machinist::keeper {

void complain(std::string_view what, std::string_view object, int error_number) {
    Text<1024> line;
    line << "machinist-supervisor: " << what;
    if (!object.empty())
        line << " '" << object << "'";
    if (error_number != 0) {
        // Not strerror(): it brings in message catalogues.
        const char* reason = ::strerrordesc_np(error_number);
        line << ": " << (reason != nullptr ? std::string_view{reason} : std::string_view{"unknown error"});
    }
    say(line.view());
}

void say(std::string_view sentence) {
    Text<1200> line;
    line << sentence << '\n';
    std::string_view rest = line.view();
    while (!rest.empty()) {
        const ssize_t count = ::write(STDERR_FILENO, rest.data(), rest.size());
        if (count < 0 && errno == EINTR)
            continue;
        // Nobody to tell it to.
        if (count <= 0)
            return;
        rest.remove_prefix(static_cast<std::size_t>(count));
    }
}

} // namespace machinist::keeper
