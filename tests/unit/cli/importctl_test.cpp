// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/transfer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace machinist {
namespace {

using ::testing::ElementsAre;

TEST(ACommandLineOfImportctl, HasClassesAsShortOptions) {
    EXPECT_THAT(from_importctl({"-mq", "import-tar", "web.tar", "web"}),
                ElementsAre("--class=machine", "--quiet", "import-tar", "web.tar", "web"));
    EXPECT_THAT(from_importctl({"import-raw", "-S", "-", "tools"}),
                ElementsAre("import-raw", "--class=sysext", "-", "tools"));
    EXPECT_THAT(from_importctl({"-P", "list-images"}), ElementsAre("--class=portable", "list-images"));
}

TEST(ACommandLineOfImportctl, ListsTransfersWithoutAVerb) {
    EXPECT_THAT(from_importctl({"--json=pretty"}), ElementsAre("--output=json-pretty", "list-transfers"));
}

TEST(ACommandLineOfImportctl, KeepsDownloadsOfMachines) {
    EXPECT_THAT(from_importctl({"pull-tar", "https://host/web.tar"}),
                ElementsAre("--keep-download=yes", "pull-tar", "https://host/web.tar"));
    EXPECT_THAT(from_importctl({"-N", "pull-tar", "https://host/web.tar"}),
                ElementsAre("--keep-download=no", "pull-tar", "https://host/web.tar"));
    EXPECT_THAT(from_importctl({"-C", "pull-raw", "https://host/web.raw"}),
                ElementsAre("--class=confext", "pull-raw", "https://host/web.raw"));
}

TEST(ACommandLineOfImportctl, LeavesTheRestAlone) {
    EXPECT_THAT(from_importctl({"--verify=no", "pull-tar", "--keep-download=no", "--", "-m", "x"}),
                ElementsAre("--verify=no", "pull-tar", "--keep-download=no", "--", "-m", "x"));
}

} // namespace
} // namespace machinist
