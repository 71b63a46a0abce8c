// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/settings_reader.hpp"

#include "base/failure.hpp"
#include "unit/temporary_directory.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

class SettingsOfAName : public ::testing::Test {
protected:
    [[nodiscard]] std::vector<std::string> read(bool trust_all = false) const {
        SettingsSearch search{
            {place_.path() / "etc", place_.path() / "run", place_.path() / "lib"}, place_.path() / "images", trust_all};
        std::vector<std::string> texts;
        for (const SettingsSource& source : read_settings(search, "web"))
            texts.push_back(source.path.lexically_relative(place_.path()).string() + ": " + source.text +
                            (source.trusted ? "" : " (not trusted)"));
        return texts;
    }

    testing::TemporaryDirectory place_;
};

} // namespace

TEST_F(SettingsOfAName, AreTheFirstFile) {
    place_.write("run/web.nspawn", "run");
    place_.write("lib/web.nspawn", "lib");
    place_.write("images/web.nspawn", "image");
    EXPECT_THAT(read(), ElementsAre("run/web.nspawn: run"));

    place_.write("etc/web.nspawn", "etc");
    EXPECT_THAT(read(), ElementsAre("etc/web.nspawn: etc"));
}

TEST_F(SettingsOfAName, AreNotTrustedBesideTheImage) {
    place_.write("images/web.nspawn", "image");

    EXPECT_THAT(read(), ElementsAre("images/web.nspawn: image (not trusted)"));
    EXPECT_THAT(read(true), ElementsAre("images/web.nspawn: image"));
}

TEST_F(SettingsOfAName, HaveDropInsInTheOrderOfTheirNames) {
    place_.write("etc/web.nspawn.d/20-b.conf", "b");
    place_.write("run/web.nspawn.d/10-a.conf", "a");
    place_.write("lib/web.nspawn.d/30-c.conf", "c");
    place_.write("etc/web.nspawn.d/readme", "x");
    place_.write("etc/web.nspawn.d/.hidden.conf", "x");
    place_.write("images/web.nspawn", "image");
    place_.write("images/web.nspawn.d/00.conf", "x");

    EXPECT_THAT(read(), ElementsAre("images/web.nspawn: image (not trusted)", "run/web.nspawn.d/10-a.conf: a",
                                    "etc/web.nspawn.d/20-b.conf: b", "lib/web.nspawn.d/30-c.conf: c"));
}

TEST_F(SettingsOfAName, TakeADropInOfOneNameFromTheFirstDirectory) {
    place_.write("run/web.nspawn.d/a.conf", "run");
    place_.write("etc/web.nspawn.d/a.conf", "etc");

    EXPECT_THAT(read(), ElementsAre("etc/web.nspawn.d/a.conf: etc"));
}

TEST_F(SettingsOfAName, AreHiddenByAnEmptyFileOrTheNullDevice) {
    place_.write("lib/web.nspawn", "lib");
    place_.write("lib/web.nspawn.d/a.conf", "a");
    place_.write("lib/web.nspawn.d/b.conf", "b");
    place_.write("run/web.nspawn.d/a.conf", "");
    place_.link("/dev/null", "etc/web.nspawn.d/b.conf");
    place_.link("/dev/null", "etc/web.nspawn");

    EXPECT_THAT(read(), ElementsAre(::testing::StartsWith("etc/web.nspawn: ")));
}

TEST_F(SettingsOfAName, MayBeMissing) {
    EXPECT_THAT(read(), IsEmpty());
}

TEST_F(SettingsOfAName, AreNotTrustedWhereSomebodyElseHasAHandInTheWay) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    place_.write("home/mine", "mine");
    ASSERT_EQ(::chown((place_.path() / "home").c_str(), 65534, 65534), 0);
    place_.link("../home/mine", "etc/web.nspawn");

    EXPECT_THAT(read(), ElementsAre("etc/web.nspawn: mine (not trusted)"));
    EXPECT_THAT(read(true), ElementsAre("etc/web.nspawn: mine"));
}

TEST_F(SettingsOfAName, AreRegularFilesOfAReasonableSize) {
    place_.make_directory("etc");
    ASSERT_EQ(::mkfifo((place_.path() / "etc/web.nspawn").c_str(), 0644), 0);
    EXPECT_THROW((void)read(), Failure);

    std::filesystem::remove(place_.path() / "etc/web.nspawn");
    place_.write("etc/web.nspawn", std::string(largest_settings_file + 1, '#'));
    EXPECT_THROW((void)read(), Failure);
}

} // namespace machinist
