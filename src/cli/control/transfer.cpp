// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/transfer.hpp"

#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "cli/control/transfer_by_service.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <unistd.h>

namespace machinist {

int transfer_image(const Invocation& call, const MachineStore&) {
    if (::geteuid() != 0) {
        transfer_by_service(call);
        return 0;
    }
    std::vector<std::string> words{own_program("machinist-transfer").string()};
    words.insert(words.end(), call.transfer_options.begin(), call.transfer_options.end());
    const std::array flags{std::pair{call.read_only, "--read-only"}, std::pair{call.force, "--force"},
                           std::pair{call.quiet, "--quiet"}, std::pair{call.output != OutputMode::text, "--json"}};
    for (const auto& [given, option] : flags)
        if (given)
            words.emplace_back(option);
    // What root names on the command line it can read anyway.
    words.insert(words.end(), {"--allow-files", "--", call.verb});
    words.insert(words.end(), call.words.begin(), call.words.end());
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    throw system_failure("execute '" + words[0] + "'").try_instead("installing all of machinist");
}

std::vector<std::string> from_importctl(const std::vector<std::string>& words) {
    // A word may be several of these options.
    constexpr std::string_view known = "mPSCNjqh";
    std::vector<std::string> result;
    bool has_verb = false;
    bool keeps = false;
    for (std::size_t at = 0; at < words.size(); ++at) {
        const std::string& word = words[at];
        if (word == "--") {
            result.insert(result.end(), words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
            has_verb = has_verb || at + 1 < words.size();
            break;
        }
        const bool is_cluster = word.size() > 1 && word[0] == '-' && word[1] != '-' &&
                                word.find_first_not_of(known, 1) == std::string::npos;
        if (!is_cluster) {
            has_verb = has_verb || !word.starts_with('-') || word == "-";
            keeps = keeps || word.starts_with("--keep-download");
            result.push_back(word == "--json=pretty"  ? "--output=json-pretty"
                             : word == "--json=short" ? "--output=json"
                             : word == "--json=off"   ? "--output=short"
                                                      : word);
            continue;
        }
        for (const char letter : word.substr(1))
            switch (letter) {
            case 'm': result.emplace_back("--class=machine"); break;
            case 'P': result.emplace_back("--class=portable"); break;
            case 'S': result.emplace_back("--class=sysext"); break;
            case 'C': result.emplace_back("--class=confext"); break;
            case 'N':
                keeps = true;
                result.emplace_back("--keep-download=no");
                break;
            case 'j': result.emplace_back("--output=json"); break;
            case 'q': result.emplace_back("--quiet"); break;
            default: result.emplace_back("--help"); break;
            }
    }
    if (!has_verb)
        result.emplace_back("list-transfers");
    // Where systemd's keeps what it pulls unless told otherwise.
    const bool is_other_class = std::ranges::any_of(
        result, [](const std::string& word) { return word.starts_with("--class=") && word != "--class=machine"; });
    const bool pulls = std::ranges::any_of(result, [](const std::string& word) { return word.starts_with("pull-"); });
    if (pulls && !keeps && !is_other_class)
        result.insert(result.begin(), "--keep-download=yes");
    return result;
}

} // namespace machinist
