// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/pool.hpp"

#include "base/failure.hpp"
#include "hostile/entries.hpp"
#include "image/image_metadata.hpp"
#include "unit/image/pool_fixture.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <unistd.h>

namespace machinist {
namespace {

using testing::APool;
using ::testing::ElementsAre;

TEST_F(APool, ListsWhatLiesInItsDirectoriesByName) {
    place.make_directory("machines/web");
    place.write("machines/disk.raw", "x");
    place.make_directory("machines/layered.mstack");
    place.make_directory("first/db");

    EXPECT_THAT(names(), ElementsAre(".host", "db", "disk", "layered", "web"));
}

TEST_F(APool, LeavesOutWhatIsNoImage) {
    place.write("machines/web.nspawn", "");
    place.write("machines/readme", "");
    place.make_directory("machines/.#web.tmp");
    place.link("nowhere", "machines/dangling");
    testing::put_fifo(place.descriptor(), "machines/fifo.raw");
    place.make_directory("machines/empty.v");
    place.make_directory("machines/line\nbreak");
    place.make_directory("machines/no-utf8-\xff");

    EXPECT_THAT(names(), ElementsAre(".host"));
}

TEST_F(APool, FindsAndListsTheSameOfSeveralWithOneName) {
    place.make_directory("machines/web.mstack");
    place.write("machines/web.raw", "x");
    place.make_directory("machines/web");
    place.write("first/web.raw", "x");
    place.make_directory("machines/db.v/db_1");
    place.write("machines/db.raw", "x");

    for (const PoolImage& image : pool().list())
        EXPECT_EQ(image.path, pool().get(image.name).path);
    EXPECT_EQ(pool().get("web").path, place.path() / "first/web.raw");
    EXPECT_EQ(pool().get("db").path, place.path() / "machines/db.raw");
}

TEST_F(APool, TakesTheNewestVersion) {
    place.make_directory("machines/web.v/web_9");
    place.make_directory("machines/web.v/web_10");
    place.write("machines/disk.raw.v/disk_1.raw", "x");
    place.write("machines/disk.raw.v/disk_2.raw", "x");

    EXPECT_EQ(pool().get("web").path, place.path() / "machines/web.v/web_10");
    EXPECT_EQ(pool().get("web").entry, place.path() / "machines/web.v");
    EXPECT_EQ(pool().get("disk").path, place.path() / "machines/disk.raw.v/disk_2.raw");
    EXPECT_EQ(pool().get("disk").type, ImageType::raw);
}

TEST(ThePlacesOfAClass, AreItsOwn) {
    EXPECT_EQ(pool_places_for(ImageClass::machine).new_images, "/var/lib/machines");
    EXPECT_EQ(pool_places_for(ImageClass::portable).search_path.front(), "/etc/portables");
    EXPECT_EQ(pool_places_for(ImageClass::sysext).new_images, "/var/lib/extensions");
    EXPECT_EQ(pool_places_for(ImageClass::confext).search_path.front(), "/run/confexts");
    for (const auto& [image_class, name] : image_class_names) {
        const PoolPlaces places = pool_places_for(image_class);
        EXPECT_NE(std::ranges::find(places.search_path, places.new_images), places.search_path.end()) << name;
    }
}

TEST_F(APool, DoesNotFindNamesThatLeadElsewhere) {
    place.make_directory("web");

    for (const char* name : {"../web", "", ".", "..", "first/../../web", "web.raw/..", ".#x", "a\nb"})
        EXPECT_EQ(pool().find(name), std::nullopt) << name;
}

TEST_F(APool, SaysWhichImageIsNotKnown) {
    try {
        (void)pool().get("no\x1bne");
        FAIL();
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), FailureKind::no_image);
        EXPECT_STREQ(failure.what(), "no image 'no\\x1bne' known");
    }
}

TEST_F(APool, TellsSizeTimesAndModeOfADiskImage) {
    place.write("machines/disk.raw", std::string(4096, 'x'));
    ASSERT_EQ(::truncate((place.path() / "machines/disk.raw").c_str(), 1 << 20), 0);
    std::filesystem::permissions(place.path() / "machines/disk.raw", std::filesystem::perms::owner_read);

    const PoolImage image = pool().get("disk");

    EXPECT_TRUE(image.read_only);
    EXPECT_EQ(image.limit, 1U << 20);
    EXPECT_LT(image.usage, 1U << 20);
    EXPECT_GE(image.usage, 4096U);
    EXPECT_GT(image.modified, 1'600'000'000'000'000U);
}

TEST_F(APool, KnowsNoTimeOfChangeOfATree) {
    place.make_directory("machines/web");

    EXPECT_EQ(pool().get("web").modified, 0U);
    EXPECT_EQ(pool().get("web").usage, std::nullopt);
    EXPECT_FALSE(pool().get("web").read_only);
}

TEST_F(APool, TakesHiddenImagesForReadOnly) {
    place.make_directory("machines/.base");

    EXPECT_TRUE(pool().get(".base").read_only);
    EXPECT_TRUE(pool().get(".base").is_hidden());
    EXPECT_FALSE(pool().get(".host").is_hidden());
}

TEST_F(APool, FollowsLinksToTreesElsewhere) {
    place.make_directory("elsewhere/etc");
    place.link(place.path() / "elsewhere", "machines/web");

    EXPECT_EQ(pool().get("web").path, place.path() / "machines/web");
    EXPECT_EQ(pool().get("web").type, ImageType::directory);
}

TEST_F(APool, ReadsWhatAnImageSaysOfItself) {
    place.write("machines/web/etc/hostname", "# mine\n\n  web01 \n");
    place.write("machines/web/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    place.write("machines/web/etc/machine-info", "DEPLOYMENT=staging\n");
    place.write("machines/web/usr/lib/os-release", "ID=debian\n");

    const ImageMetadata metadata = read_image_metadata(pool().get("web"));

    EXPECT_EQ(metadata.hostname, "web01");
    EXPECT_EQ(metadata.machine_id->plain(), "0123456789abcdef0123456789abcdef");
    EXPECT_EQ(metadata.machine_info.at("DEPLOYMENT"), "staging");
    EXPECT_EQ(metadata.os_release.at("ID"), "debian");
}

TEST_F(APool, ReadsNothingOutsideAnImageAndNothingThatIsNoText) {
    place.write("secret", "secret-host\n");
    place.link(place.path() / "secret", "machines/web/etc/hostname");
    place.write("machines/web/etc/machine-info", "");
    testing::clear(place.descriptor(), "machines/web/etc/machine-info");
    testing::put_fifo(place.descriptor(), "machines/web/etc/machine-info");
    place.write("machines/web/etc/machine-id", std::string(100000, '0'));

    const ImageMetadata metadata = read_image_metadata(pool().get("web"));

    EXPECT_EQ(metadata.hostname, "");
    EXPECT_EQ(metadata.machine_id, std::nullopt);
    EXPECT_TRUE(metadata.machine_info.empty());
}

} // namespace
} // namespace machinist
