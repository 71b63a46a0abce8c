// SPDX-License-Identifier: LGPL-2.1-or-later
// The verbs about images as a caller has them: words in, text and exit status out. /var/lib is a place of its own.
#include "base/failure.hpp"
#include "cli/control/composition.hpp"
#include "cli/control/size_text.hpp"
#include "registry/remnants.hpp"
#include "said_by.hpp"
#include "unit/private_mounts.hpp"

#include <filesystem>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>
#include <vector>

namespace machinist {
namespace {

using ::testing::HasSubstr;
using testing::in_own_places;
using ::testing::Not;
using testing::put;
using testing::said_by;
using ::testing::StartsWith;

const std::filesystem::path images{"/var/lib/machines"};

class AnImageVerb : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
    }
    // In a pool with a tree "web", a disk "disk" and a hidden tree.
    static std::string in_a_pool(const std::function<std::string()>& body) {
        return in_own_places({"/var/lib", "/run"}, [&] {
            put(images / "web/etc/os-release", "PRETTY_NAME=\"A System\"\n");
            put(images / "web.nspawn", "[Exec]\nBoot=yes\n");
            put(images / "disk.raw", std::string(8192, 'x'));
            std::filesystem::create_directories(images / ".hidden");
            return body();
        });
    }
    static std::string said_in_a_pool(const std::vector<std::string>& words) {
        return in_a_pool([&] { return said_by(words); });
    }
};

TEST_F(AnImageVerb, ListsInTheColumnsOfMachinectl) {
    const std::string said = said_in_a_pool({"list-images"});

    EXPECT_THAT(said, StartsWith("NAME TYPE      RO USAGE CREATED"));
    EXPECT_THAT(said, HasSubstr("\nweb  directory no       "));
    EXPECT_THAT(said, HasSubstr("\ndisk raw       no 8K    "));
    EXPECT_THAT(said, HasSubstr("\n\n2 images listed.\nstatus 0"));
    EXPECT_THAT(said, Not(HasSubstr(".hidden")));
}

TEST_F(AnImageVerb, ListsWhatIsHiddenAndTheHostOnRequest) {
    const std::string said = said_in_a_pool({"list-images", "--all", "--no-legend"});

    EXPECT_THAT(said, StartsWith(".hidden directory yes"));
    EXPECT_THAT(said, HasSubstr("\n.host "));
    EXPECT_THAT(said, Not(HasSubstr("NAME")));
}

TEST_F(AnImageVerb, ListsImagesOfAnotherClass) {
    const std::string said = in_a_pool([] {
        put("/var/lib/extensions/tools/usr/bin/tool", "");
        put("/var/lib/extensions/more.raw", "");
        return said_by({"list-images", "--class=sysext", "--all", "--no-legend"}) +
               said_by({"list-images", "--class=x"});
    });

    EXPECT_THAT(said, HasSubstr("more "));
    EXPECT_THAT(said, HasSubstr("tools directory"));
    EXPECT_THAT(said, Not(HasSubstr("web")));
    EXPECT_THAT(said, Not(HasSubstr(".host")));
    EXPECT_THAT(said, HasSubstr("--class: 'x' is none of machine, portable, sysext, confext"));
}

TEST_F(AnImageVerb, LeavesNothingThatGcDoesNotFindWhateverTheClass) {
    const std::string said = in_a_pool([] {
        const std::string cut_off = ".#new.0123456789abcdef";
        for (const char* directory :
             {"machines", "portables", "extensions", "confexts", "machinist/bases", "machinist/snapshots/web"})
            put(std::filesystem::path{"/var/lib"} / directory / cut_off, "");
        // Nothing but images: the machines of this host are not this test's.
        Places places;
        places.run_directories = places.state_files = places.layers = places.id_range_locks = "/var/lib/none";
        places.images = host_places().images;
        std::string found;
        for (const Remnant& remnant : find_remnants(places))
            found += remnant.path.parent_path().string() + "\n";
        return found;
    });

    EXPECT_THAT(said, HasSubstr("/var/lib/machines\n"));
    EXPECT_THAT(said, HasSubstr("/var/lib/portables\n"));
    EXPECT_THAT(said, HasSubstr("/var/lib/extensions\n"));
    EXPECT_THAT(said, HasSubstr("/var/lib/confexts\n"));
    EXPECT_THAT(said, HasSubstr("/var/lib/machinist/bases\n"));
    EXPECT_THAT(said, HasSubstr("/var/lib/machinist/snapshots/web\n"));
}

TEST_F(AnImageVerb, ListsTruthsAndNumbersAsSuchInJson) {
    const std::string said = said_in_a_pool({"list-images", "--output=json"});

    EXPECT_THAT(said, HasSubstr(R"({"name":"disk","type":"raw","ro":false,"usage":8192,"created":)"));
    EXPECT_THAT(said, HasSubstr(R"("modified":0}])"));
}

TEST_F(AnImageVerb, ShowsPropertiesByTheirNamesOnTheBus) {
    EXPECT_EQ(
        said_in_a_pool({"show-image", "web", "-p", "Name,Path,Type,ReadOnly,Usage"}),
        "Name=web\nPath=/var/lib/machines/web\nType=directory\nReadOnly=no\nUsage=18446744073709551615\nstatus 0");
    EXPECT_EQ(said_in_a_pool({"show-image", "-P", "PoolPath"}), "/var/lib/machines\nstatus 0");
}

TEST_F(AnImageVerb, TellsPeopleWhatThereIsToKnow) {
    const std::string said = said_in_a_pool({"image-status", "web"});

    EXPECT_THAT(said, StartsWith("web\n            Type: directory\n            Path: /var/lib/machines/web\n"));
    EXPECT_THAT(said, HasSubstr("              OS: A System\n              RO: writable\n"));
}

TEST_F(AnImageVerb, SaysNothingOnStandardOutputOfWhatIsNotKnown) {
    for (const char* verb : {"show-image", "image-status", "clone", "rename"})
        EXPECT_EQ(said_in_a_pool({verb, "nope", "new"}), "no image 'nope' known") << verb;
    EXPECT_EQ(said_in_a_pool({"check", "nope"}), "no image 'nope' known");
    EXPECT_EQ(said_in_a_pool({"cat", "nope"}), "no settings file 'nope.nspawn' known");
}

TEST_F(AnImageVerb, RemovesWhatItCanAndFailsForTheRest) {
    const std::string said = in_a_pool([] {
        const std::string said_then = said_by({"remove", "--wait", "web", "nope", "disk"});
        return said_then + (std::filesystem::is_empty(images / ".hidden") && !std::filesystem::exists(images / "web") &&
                                    !std::filesystem::exists(images / "web.nspawn") &&
                                    !std::filesystem::exists(images / "disk.raw")
                                ? ", gone"
                                : ", not gone");
    });

    EXPECT_EQ(said, "status 1, gone");
}

TEST_F(AnImageVerb, ClonesRenamesAndComparesFromOneCommandToTheNext) {
    const std::string said = in_a_pool([] {
        std::string all;
        for (const std::vector<std::string>& words :
             std::vector<std::vector<std::string>>{{"clone", "web", "db"},
                                                   {"rename", "db", "other"},
                                                   {"diff", "web", "other", "--no-legend"},
                                                   {"snapshot", "create", "web", "one"}})
            all += said_by(words) + ", ";
        return all + said_by({"snapshot", "list", "--output=json"});
    });

    EXPECT_THAT(said, StartsWith("status 0, status 0, status 0, status 0, [{\"image\":\"web\",\"snapshot\":\"one\","));
}

TEST_F(AnImageVerb, CleansHiddenImagesOnly) {
    const std::string said = in_a_pool([] {
        const std::string end = said_by({"clean", "--quiet", "--wait"});
        return end + (std::filesystem::exists(images / ".hidden") ? " hidden" : "") +
               (std::filesystem::exists(images / "web") ? " web" : "");
    });

    EXPECT_EQ(said, "status 0 web");
}

TEST_F(AnImageVerb, PrintsSettingsBelowTheNameOfTheirFile) {
    EXPECT_EQ(said_in_a_pool({"cat", "web"}), "# /var/lib/machines/web.nspawn\n[Exec]\nBoot=yes\nstatus 0");
    EXPECT_THAT(said_in_a_pool({"cat", ".."}), StartsWith("'..' is no name"));
}

TEST_F(AnImageVerb, RefusesWordsWithoutMeaning) {
    EXPECT_THAT(said_in_a_pool({"read-only", "web", "perhaps"}), HasSubstr("neither yes nor no"));
    EXPECT_THAT(said_in_a_pool({"set-limit", "web", "much"}), HasSubstr("neither a size"));
    EXPECT_THAT(said_in_a_pool({"clone", "web"}), HasSubstr("two names"));
    EXPECT_THAT(said_in_a_pool({"snapshot", "make", "web"}), HasSubstr("none of create"));
    EXPECT_THAT(said_in_a_pool({"clone", "web", "--instances=many"}), HasSubstr("is no number"));
}

TEST(ANumberOfBytes, IsWrittenInTheUnitThatFits) {
    EXPECT_EQ(size_text(0), "0B");
    EXPECT_EQ(size_text(1023), "1023B");
    EXPECT_EQ(size_text(1536), "1.5K");
    EXPECT_EQ(size_text(std::uint64_t{10} << 30), "10G");
    EXPECT_EQ(size_text(UINT64_MAX), "15.9E");
}

} // namespace
} // namespace machinist
