// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "base/text.hpp"
#include "requests.hpp"
#include "spec/option_table.hpp"
#include "spec/spec_json.hpp"

#include <gmock/gmock.h>
#include <random>

namespace machinist {

namespace {

// The pieces that parsers stumble over, put together at random but the same way in every run.
std::string odd_text(std::mt19937& random) {
    static const std::vector<std::string> pieces{"",
                                                 ":",
                                                 "\\",
                                                 "\"",
                                                 "'",
                                                 "=",
                                                 "\n",
                                                 "[",
                                                 "]",
                                                 "[Exec]\n",
                                                 "/",
                                                 "..",
                                                 "+",
                                                 "~",
                                                 "-",
                                                 "--",
                                                 "0",
                                                 "1",
                                                 "65536",
                                                 "-1",
                                                 "infinity",
                                                 "all",
                                                 "help",
                                                 "yes",
                                                 ",",
                                                 "@",
                                                 "4294967295",
                                                 "18446744073709551616",
                                                 "\xff",
                                                 "\xc3",
                                                 "\x1b[31m",
                                                 "\x7f",
                                                 "CAP_BPF",
                                                 "AF_INET",
                                                 "Boot=",
                                                 "Bind=",
                                                 "Parameters=",
                                                 "a",
                                                 std::string(300, 'x'),
                                                 std::string(1, '\0'),
                                                 "\xF0\x9F\x94\xB5",
                                                 "#",
                                                 " "};
    std::string text;
    for (unsigned count = random() % 6; count > 0; --count)
        text.append(pieces[random() % pieces.size()]);
    return text;
}

void expect_readable(const Problems& problems) {
    for (const Problem& problem : problems) {
        EXPECT_TRUE(is_utf8(problem.sentence)) << escaped_for_people(problem.sentence);
        EXPECT_FALSE(has_control_characters(problem.sentence)) << escaped_for_people(problem.sentence);
        EXPECT_FALSE(problem.sentence.empty());
    }
}

} // namespace

TEST(EveryOption, AnswersOddValuesByAMeaningOrASentence) {
    std::mt19937 random{1};
    for (const Option& row : option_table()) {
        if (row.name[0] == '\0' || row.argument == OptionArgument::none)
            continue;
        for (int round = 0; round < 200; ++round) {
            const CommandLine line = parsed({"--" + std::string{row.name} + "=" + odd_text(random)});
            expect_readable(line.problems);
            expect_readable(line.warnings);
        }
    }
}

TEST(EveryKey, AnswersOddValuesByAMeaningOrASentence) {
    std::mt19937 random{2};
    for (const Option& row : option_table()) {
        if (row.key.empty())
            continue;
        for (int round = 0; round < 200; ++round) {
            const std::string text =
                "[" + std::string{row.section} + "]\n" + std::string{row.key} + "=" + odd_text(random) + "\n";
            for (const bool trusted : {false, true}) {
                const SettingsFile file = parse_settings_file(text, "web.nspawn", trusted);
                expect_readable(file.problems);
                expect_readable(file.warnings);
            }
        }
    }
}

TEST(ASettingsFileOfOddText, IsReadToItsEnd) {
    std::mt19937 random{3};
    for (int round = 0; round < 2000; ++round) {
        std::string text = "[Exec]\n";
        for (int piece = 0; piece < 10; ++piece)
            text.append(odd_text(random));
        const SettingsFile file = parse_settings_file(text, "a\nb.nspawn", true);
        expect_readable(file.problems);
        expect_readable(file.warnings);
    }
}

TEST(ASpecFromOddValues, IsStillReadBackExactly) {
    std::mt19937 random{4};
    int decided = 0;
    for (int round = 0; round < 500; ++round) {
        Decision decision = nspawn({"--setenv=A=" + odd_text(random), "--bind=/a:/" + odd_text(random),
                                    "--tmpfs=/t:" + odd_text(random), "--", "w" + odd_text(random)});
        const auto result = decision.outcome();
        if (const auto* resolved = std::get_if<Resolved>(&result)) {
            ++decided;
            const std::string text = to_json(resolved->spec);
            EXPECT_EQ(to_json(spec_from_json(text)), text);
        }
    }
    EXPECT_GT(decided, 100);
}

TEST(AStoredSpecWithAByteChanged, IsReadOrRefusedButNeverCrashes) {
    const std::string good = to_json(nspawn({"ls"}).spec());
    std::mt19937 random{5};
    int refused = 0;
    for (int round = 0; round < 2000; ++round) {
        std::string text = good;
        text[random() % text.size()] = static_cast<char>(random());
        try {
            (void)spec_from_json(text);
        } catch (const Failure&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 1000);
}

} // namespace machinist
