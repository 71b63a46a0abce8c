// SPDX-License-Identifier: LGPL-2.1-or-later
// `machinist-control`: sees to machines that run. `machinist` executes it for every verb but `run`.
#include "base/exit_status.hpp"
#include "base/failure.hpp"
#include "cli/control/composition.hpp"
#include "cli/control/own_machines.hpp"
#include "cli/control/transfer.hpp"
#include "cli/control/verbs.hpp"

#include <clocale>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

namespace {

bool is_called(std::span<char*> arguments, const char* name) {
    return std::filesystem::path{arguments[0]}.filename() == name;
}

Invocation invocation_of(std::span<char*> arguments) {
    const auto words = arguments.subspan(1);
    if (!is_called(arguments, "importctl"))
        return parse_invocation(words);
    std::vector<std::string> ours = from_importctl({words.begin(), words.end()});
    std::vector<char*> pointers;
    for (std::string& word : ours)
        pointers.push_back(word.data());
    return parse_invocation(pointers);
}

// What `machinist` hands on without root.
std::optional<int> run_by_service(std::span<char*> arguments) {
    if (is_called(arguments, "systemd-nspawn"))
        return run_own_machine(Manner::nspawn, arguments.subspan(1), host_places());
    if (is_called(arguments, "machinist") && arguments.size() > 1 && std::string_view{arguments[1]} == "run")
        return run_own_machine(Manner::machinist, arguments.subspan(2), host_places());
    return std::nullopt;
}

int main_of(std::span<char*> arguments) {
    if (const auto status = run_by_service(arguments))
        return *status;
    Invocation call = invocation_of(arguments);
    call.as_machinectl = is_called(arguments, "machinectl");
    const MachineStore machines{host_places()};
    if (call.help)
        return print_help(call, machines);
    if (call.version && (call.as_machinectl || is_called(arguments, "importctl")))
        return print_systemd_version(call, machines);
    if (call.version)
        return print_version(call, machines);
    if (call.list_signals)
        return print_signals(call, machines);
    return find_verb(call).run(call, machines);
}

} // namespace

} // namespace machinist

int main(int count, char** arguments) {
    // For the width of what is printed only: numbers stay as they are in C.
    if (!std::setlocale(LC_CTYPE, "C.UTF-8"))
        std::setlocale(LC_CTYPE, "");
    const std::span<char*> words{arguments, static_cast<std::size_t>(count)};
    try {
        return machinist::main_of(words);
    } catch (const std::exception& failure) {
        const int status = machinist::tell(failure);
        // By that name every failure is the same one, also a command line without a meaning.
        return machinist::is_called(words, "machinectl") ? EXIT_FAILURE : status;
    }
}
