// SPDX-License-Identifier: LGPL-2.1-or-later
// `machinist-control`: sees to machines that run. `machinist` executes it for every verb but `run`.
#include "base/failure.hpp"
#include "cli/control/composition.hpp"
#include "cli/control/verbs.hpp"

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <filesystem>

namespace machinist {

namespace {

const Verb& find_verb(const Invocation& call) {
    const auto all = verbs();
    const auto verb = std::ranges::find(all, call.verb, &Verb::name);
    if (verb == all.end() && std::ranges::find(verbs_not_built(), call.verb) != verbs_not_built().end())
        throw Failure{FailureKind::not_supported, "'" + call.verb + "' is not built yet in this version"};
    if (verb == all.end())
        throw Failure{FailureKind::usage, "'" + call.verb + "' is no verb"}.try_instead("'machinist --help'");
    if (call.words.size() < verb->fewest)
        throw Failure{FailureKind::usage, "'" + call.verb + "' needs " +
                                              std::string{verb->fewest == 1 && verb->most == 1 ? "a name" : "names"}};
    if (call.words.size() > verb->most)
        throw Failure{FailureKind::usage, "'" + call.verb + "' does not take '" + call.words[verb->most] + "'"};
    return *verb;
}

int main_of(std::span<char*> arguments) {
    const Invocation call = parse_invocation(arguments.subspan(1));
    const MachineStore machines{host_places()};
    if (call.help)
        return print_help(call, machines);
    if (call.version && std::filesystem::path{arguments[0]}.filename() == "machinectl")
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
    try {
        return machinist::main_of({arguments, static_cast<std::size_t>(count)});
    } catch (const machinist::Failure& failure) {
        std::fprintf(stderr, "machinist: %s\n", failure.what());
        return machinist::exit_status_for(failure);
    } catch (const std::exception& broken) {
        std::fprintf(stderr, "machinist: internal error: %s\n", broken.what());
        return 1;
    }
}
