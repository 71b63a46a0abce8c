// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/spec_text.hpp"

#include "requests.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ASpecForPeople, TellsWhatRunsWhereAndHowFarApart) {
    const std::string text =
        text_of(machinist_run({"-x", "--bind-ro=/srv:/data", "-u", "builder", "sh", "-c", "a b"}).spec());
    EXPECT_THAT(text, HasSubstr("           machine: web-0123456789abcdef\n"));
    EXPECT_THAT(text, HasSubstr("root: /var/lib/machines/web, below a throw-away layer (tmpfs)\n"));
    EXPECT_THAT(text, HasSubstr("runs: sh -c 'a b'\n"));
    EXPECT_THAT(text, HasSubstr("as user: builder\n"));
    EXPECT_THAT(text, HasSubstr("users: a range of their own, picked at the start, ownership auto\n"));
    EXPECT_THAT(text, HasSubstr("network: the host's\n"));
    EXPECT_THAT(text, HasSubstr("mount: --bind-ro=/srv:/data\n"));
    EXPECT_THAT(text, HasSubstr("system calls: strict allow list\n"));
    EXPECT_THAT(text, Not(HasSubstr("personality")));
}

TEST(ASpecForPeople, ShowsNoSecretsAndNoControlCharacters) {
    const std::string text = text_of(nspawn({"--set-credential=key:geheim", "--", "a\x1b[31m\nb"}).spec());
    EXPECT_THAT(text, HasSubstr("credential: key (6 bytes)\n"));
    EXPECT_THAT(text, Not(HasSubstr("geheim")));
    EXPECT_THAT(text, HasSubstr(R"(runs: 'a\x1b[31m\x0ab')"));
}

} // namespace machinist
