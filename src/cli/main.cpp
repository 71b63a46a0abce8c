// SPDX-License-Identifier: LGPL-2.1-or-later
// `machinist`: starts machines itself, and gives all other verbs to the program that links more.
#include "base/exit_status.hpp"
#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "cli/run.hpp"

#include <cstring>
#include <span>
#include <string>
#include <unistd.h>

namespace machinist {

namespace {

int main_of(std::span<char*> arguments) {
    const char* slash = std::strrchr(arguments[0], '/');
    const std::string called_as = slash ? slash + 1 : arguments[0];
    if (called_as == "systemd-nspawn")
        return run(Manner::nspawn, arguments.subspan(1));
    if (called_as == "machinist" && arguments.size() > 1 && std::strcmp(arguments[1], "run") == 0)
        return run(Manner::machinist, arguments.subspan(2));
    // The scope before the verb, as before every other.
    if (called_as == "machinist" && arguments.size() > 2 && std::strcmp(arguments[1], "--user") == 0 &&
        std::strcmp(arguments[2], "run") == 0) {
        arguments[2] = arguments[1];
        return run(Manner::machinist, arguments.subspan(2));
    }
    if (arguments.size() == 3 && std::strcmp(arguments[1], "--start-again") == 0)
        return start_again(arguments[2]);
    const std::string control = own_program("machinist-control").string();
    ::execv(control.c_str(), arguments.data());
    throw system_failure("execute '" + control + "'").try_instead("installing all of machinist");
}

} // namespace

} // namespace machinist

int main(int count, char** arguments) {
    return machinist::told_as_exit_status([&] {
        return machinist::main_of({arguments, static_cast<std::size_t>(count)});
    });
}
