// SPDX-License-Identifier: LGPL-2.1-or-later
// The verbs about settings as a caller has them: words in, text and exit status out. /etc and /run are places of
// their own.
#include "said_by.hpp"
#include "unit/private_mounts.hpp"

#include <filesystem>
#include <functional>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

namespace machinist {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::in_own_places;
using ::testing::Not;
using testing::put;
using testing::said_by;
using ::testing::StartsWith;

const std::filesystem::path etc{"/etc/systemd/nspawn"};

class ASettingsVerb : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
    }
    static std::string among_settings(const std::function<std::string()>& body) {
        return in_own_places({"/etc", "/run", "/var/lib"}, [&] {
            put(etc / "web.nspawn", "[Exec]\nHostname=one\n");
            put("/run/systemd/nspawn/web.nspawn.d/a.conf", "[Exec]\nHostname=two\n");
            std::filesystem::create_directories("/var/lib/machines/web");
            return body();
        });
    }
    static std::string said_among_settings(const std::vector<std::string>& words) {
        return among_settings([&] { return said_by(words); });
    }
    // What an editor does is a command of the shell.
    static std::string edited(const std::string& editor, const std::vector<std::string>& words) {
        return among_settings([&] {
            ::setenv("SYSTEMD_EDITOR", editor.c_str(), 1);
            std::string said = said_by(words);
            for (const auto& entry : std::filesystem::recursive_directory_iterator{etc})
                if (entry.is_regular_file())
                    said += "\n" + entry.path().lexically_relative(etc).string() + ": " + read_file(entry.path());
            return said;
        });
    }
};

TEST_F(ASettingsVerb, PrintsTheFileAndItsDropIns) {
    EXPECT_EQ(said_among_settings({"cat", "web"}),
              "# /etc/systemd/nspawn/web.nspawn\n[Exec]\nHostname=one\n\n"
              "# /run/systemd/nspawn/web.nspawn.d/a.conf\n[Exec]\nHostname=two\nstatus 0");
    EXPECT_EQ(said_among_settings({"cat", "web", "--json"}),
              R"([{"file":"/etc/systemd/nspawn/web.nspawn","trusted":true,"text":"[Exec]\nHostname=one\n"},)"
              R"({"file":"/run/systemd/nspawn/web.nspawn.d/a.conf","trusted":true,"text":"[Exec]\nHostname=two\n"}])"
              "\nstatus 0");
}

TEST_F(ASettingsVerb, VerifiesByFileAndLine) {
    const auto said = [](const std::vector<std::string>& words) {
        return among_settings([&] {
            put(etc / "web.nspawn", "[Exec]\nFoo=1\nOOMScoreAdjust=x\n");
            return said_by(words);
        });
    };

    EXPECT_EQ(said({"verify", "web"}),
              "/etc/systemd/nspawn/web.nspawn:2: warning: unknown key 'Foo' in section [Exec], ignored\n"
              "/etc/systemd/nspawn/web.nspawn:3: OOMScoreAdjust=: 'x' is no number from -1000 to 1000\nstatus 1");
    EXPECT_THAT(said({"verify", "web", "--json"}),
                HasSubstr(R"({"file":"/etc/systemd/nspawn/web.nspawn","line":3,"severity":"error",)"
                          R"("key":"OOMScoreAdjust","value":"x","message":)"));
    EXPECT_EQ(said({"verify", "/run/systemd/nspawn/web.nspawn.d/a.conf"}), "status 0");
    EXPECT_THAT(said({"verify", "nope"}), StartsWith("no settings file 'nope.nspawn' known"));
}

TEST_F(ASettingsVerb, VerifiesFullNamesOfDevices) {
    EXPECT_EQ(among_settings([] {
                  put("/etc/cdi/acme.json",
                      R"({"cdiVersion": "0.6.0", "kind": "acme.com/engine", "devices": [{"name": "0"}]})");
                  put(etc / "web.nspawn", "[Files]\nDevice=acme.com/engine=0\nDevice=acme.com/engine=1\n");
                  return said_by({"verify", "web"});
              }),
              "/etc/systemd/nspawn/web.nspawn:3: --device: 'acme.com/engine=1' is in no file of /etc/cdi and "
              "/var/run/cdi; try acme.com/engine=0\nstatus 1");
}

TEST_F(ASettingsVerb, IsContentWithWarnings) {
    EXPECT_EQ(among_settings([] {
                  put("/var/lib/machines/db.nspawn", "[Files]\nBind=/secret\n");
                  std::filesystem::create_directories("/var/lib/machines/db");
                  return said_by({"verify", "db"});
              }),
              "/var/lib/machines/db.nspawn:2: warning: Bind= is ignored, because the file is in a place that is not "
              "trusted\nstatus 0");
}

TEST_F(ASettingsVerb, ShowsWhereEachValueWasWritten) {
    const std::string said = said_among_settings({"show", "--settings", "web", "--no-legend"});

    EXPECT_THAT(said, HasSubstr("Hostname"));
    EXPECT_THAT(said, ::testing::ContainsRegex("Exec +Hostname +two +/run/systemd/nspawn/web.nspawn.d/a.conf:2\n"));
    EXPECT_THAT(said, ::testing::ContainsRegex("Exec +Boot +yes +command line\n"));
    EXPECT_THAT(said, ::testing::ContainsRegex("Exec +ProcessTwo +no +default\n"));
    EXPECT_THAT(said, Not(HasSubstr("PivotRoot")));
    EXPECT_THAT(said, EndsWith("status 0"));
}

TEST_F(ASettingsVerb, ShowsWhatOptionsOfAStartWouldChange) {
    EXPECT_THAT(said_among_settings({"show", "--settings", "--json", "web", "--", "--hostname=line"}),
                HasSubstr(R"({"section":"Exec","key":"Hostname","value":"line","origin":"command line"})"));
    EXPECT_THAT(said_among_settings({"show", "--settings", "--json", "--all", "web"}),
                HasSubstr(R"({"section":"Exec","key":"PivotRoot","value":null,"origin":"default"})"));
    EXPECT_THAT(said_among_settings({"show", "--settings", "web", "--", "--nonsense"}), HasSubstr("unknown option"));
}

TEST_F(ASettingsVerb, EditsTheFileOfTheAdministrator) {
    EXPECT_EQ(edited("sed -i s/one/three/", {"edit", "web"}), "status 0\nweb.nspawn: [Exec]\nHostname=three\n");
}

TEST_F(ASettingsVerb, EditsADropIn) {
    EXPECT_THAT(edited("sed -i s/two/three/", {"edit", "--drop-in=a", "web"}),
                HasSubstr("web.nspawn.d/a.conf: [Exec]\nHostname=three\n"));
    EXPECT_THAT(edited("true", {"edit", "--drop-in=../a", "web"}), HasSubstr("--drop-in: '../a' is no name of a file"));
}

TEST_F(ASettingsVerb, TakesNothingThatAStartCouldNotRead) {
    EXPECT_EQ(edited("sed -i s/one/a=b/", {"edit", "web"}), "status 1\nweb.nspawn: [Exec]\nHostname=one\n");
}

TEST_F(ASettingsVerb, LeavesNothingBehindWhenEditingIsGivenUp) {
    EXPECT_EQ(edited("true", {"edit", "web"}), "status 0\nweb.nspawn: [Exec]\nHostname=one\n");
    EXPECT_THAT(edited("false", {"edit", "--drop-in=new", "web"}), Not(HasSubstr("\nweb.nspawn.d")));
}

TEST_F(ASettingsVerb, TakesDropInsAlongWhenAnImageIsRenamedClonedOrRemoved) {
    EXPECT_EQ(among_settings([] {
                  put(etc / "web.nspawn.d/b.conf", "[Exec]\nUser=b\n");
                  put("/var/lib/machines/web/etc/os-release", "ID=a\n");
                  std::string said;
                  for (const std::vector<std::string>& words :
                       std::vector<std::vector<std::string>>{{"clone", "web", "copy"},
                                                             {"rename", "web", "new"},
                                                             {"cat", "copy"},
                                                             {"cat", "new"},
                                                             {"remove", "--wait", "new"}})
                      said += said_by(words);
                  return said + (std::filesystem::exists(etc / "new.nspawn.d") ? ", left" : ", gone");
              }),
              "status 0status 0"
              "# /etc/systemd/nspawn/copy.nspawn\n[Exec]\nHostname=one\n\n"
              "# /run/systemd/nspawn/copy.nspawn.d/a.conf\n[Exec]\nHostname=two\n\n"
              "# /etc/systemd/nspawn/copy.nspawn.d/b.conf\n[Exec]\nUser=b\nstatus 0"
              "# /etc/systemd/nspawn/new.nspawn\n[Exec]\nHostname=one\n\n"
              "# /run/systemd/nspawn/new.nspawn.d/a.conf\n[Exec]\nHostname=two\n\n"
              "# /etc/systemd/nspawn/new.nspawn.d/b.conf\n[Exec]\nUser=b\nstatus 0"
              "status 0, gone");
}

} // namespace
} // namespace machinist
