// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/volume_text.hpp"

#include "base/failure.hpp"

#include <gtest/gtest.h>
#include <string>

using namespace machinist;

namespace {

FailureKind kind_of(const std::string& text) {
    try {
        (void)parse_volume(text);
    } catch (const Failure& failure) {
        return failure.kind();
    }
    ADD_FAILURE() << "'" << text << "' was taken";
    return FailureKind::internal;
}

} // namespace

TEST(AVolumesText, NamesProviderAndVolume) {
    const VolumeWish wish = parse_volume("block:/dev/disk/by-id/usb");

    EXPECT_EQ(wish.provider, "block");
    EXPECT_EQ(wish.volume, "/dev/disk/by-id/usb");
    EXPECT_EQ(wish.name(), "block:/dev/disk/by-id/usb");
    EXPECT_EQ(wish.config, "");
    EXPECT_EQ(wish.create, "");
    EXPECT_FALSE(wish.read_only);
    EXPECT_FALSE(wish.size);
}

TEST(AVolumesText, SaysHowItIsAcquired) {
    const VolumeWish wish =
        parse_volume("fs:data:/srv/data:create=new,template=subvolume,ro=yes,size=2M,request-as=dir");

    EXPECT_EQ(wish.config, "/srv/data");
    EXPECT_EQ(wish.create, "new");
    EXPECT_EQ(wish.model, "subvolume");
    EXPECT_EQ(wish.read_only, true);
    EXPECT_EQ(wish.size, 2097152U);
    EXPECT_EQ(wish.request_as, "dir");
}

TEST(AVolumesText, HasItsConfigurationInTheThirdPlaceWhateverItLooksLike) {
    EXPECT_EQ(parse_volume("fs:data:nvme").config, "nvme");
    EXPECT_EQ(parse_volume("fs:data:size=1M").config, "size=1M");
    EXPECT_EQ(parse_volume("fs:data::create-size=7").config, "");
    EXPECT_EQ(parse_volume("fs:data::create-size=7").size, 7U);
    EXPECT_EQ(parse_volume("fs:data:/a:read-only=no").read_only, false);
    EXPECT_FALSE(parse_volume("fs:data:/a:ro=auto").read_only);
}

TEST(AVolumesText, IsRefusedWhereItHasNoMeaning) {
    for (const char* text : {"",
                             "fs",
                             "fs:",
                             ":data",
                             "..:data",
                             ".:data",
                             "a/b:data",
                             "fs:data:x:ro=yes:more",
                             "fs:data::ro=maybe",
                             "fs:data::create=never",
                             "fs:data::request-as=tape",
                             "fs:data::size=much",
                             "fs:data::size=16E",
                             "fs:data::colour=red",
                             "fs:data::ro=",
                             "fs:data:x:ro",
                             "fs:data:x:ro=yes,",
                             "fs:da\nta",
                             "f\ts:data",
                             "fs:data:/a\nb",
                             "fs:\xff"})
        EXPECT_EQ(kind_of(text), FailureKind::invalid) << text;
    EXPECT_EQ(kind_of("fs:" + std::string(256, 'x')), FailureKind::invalid);
    EXPECT_EQ(kind_of(std::string{"fs:a\0b", 6}), FailureKind::invalid);
}
