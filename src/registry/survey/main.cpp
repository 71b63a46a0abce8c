// SPDX-License-Identifier: LGPL-2.1-or-later
// machinist-survey: looks into the machines whose leaders it is told, answers over the socket it was given, and ends.
#include "base/failure.hpp"
#include "base/text.hpp"
#include "registry/survey.hpp"

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace machinist {

namespace {

int main_of(int count, char** words) {
    ::prctl(PR_SET_DUMPABLE, 0);
    SurveyWish wish{.system = false, .addresses = false};
    std::optional<int> reply;
    std::vector<SurveyTarget> targets;
    for (int at = 1; at < count; ++at) {
        const std::string_view word = words[at];
        constexpr std::string_view reply_option = "--reply=";
        if (word == "--system")
            wish.system = true;
        else if (word == "--addresses")
            wish.addresses = true;
        else if (word.starts_with(reply_option))
            reply = parse_integer<int>(word.substr(reply_option.size()));
        else if (const auto target = read_target_word(word))
            targets.push_back(*target);
        else
            throw Failure{FailureKind::usage, "'" + std::string{word} + "' has no meaning for machinist-survey"};
    }
    if (!reply || ::fcntl(*reply, F_SETFD, FD_CLOEXEC) < 0)
        throw Failure{FailureKind::usage, "machinist-survey needs --reply="};
    const UniqueFd socket{*reply};
    survey(targets, wish, socket);
    return EXIT_SUCCESS;
}

} // namespace

} // namespace machinist

int main(int count, char** words) {
    try {
        return machinist::main_of(count, words);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "machinist: %s\n", failure.what());
        return EXIT_FAILURE;
    }
}
