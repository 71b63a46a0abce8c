// SPDX-License-Identifier: LGPL-2.1-or-later
// Machines from disk images: filesystems, partition tables, policies, layers, and what is left of them.
#include "namespaces/a_disk.hpp"
#include "namespaces/debian.hpp"
#include "namespaces/host_audit.hpp"
#include "namespaces/machine.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;

namespace machinist::test {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

constexpr std::uintmax_t mib = 1 << 20;

class ABareFilesystem : public ADisk, public testing::WithParamInterface<std::string> {
protected:
    [[nodiscard]] static bool is_written() {
        return GetParam() != "squashfs" && GetParam() != "erofs";
    }
};

// The kernel grows ext4 for nobody without CAP_SYS_RESOURCE.
class AGrowingFilesystem : public ADisk, public testing::WithParamInterface<std::string> {
protected:
    void SetUp() override {
        ADisk::SetUp();
        constexpr int sys_resource = 24;
        const std::string status = text_of("/proc/self/status");
        const auto at = status.find("CapEff:");
        const bool may =
            at != std::string::npos && (std::stoull(status.substr(at + 7), nullptr, 16) >> sys_resource & 1) != 0;
        if (GetParam() == "ext4" && !may)
            GTEST_SKIP() << "CAP_SYS_RESOURCE is not to be had here";
    }
    // Bytes of the filesystem in the first partition.
    [[nodiscard]] std::uintmax_t size_inside(const Path& image) const {
        const Path result = place("size");
        shell("unshare -m sh -ec \"mount -o loop,ro,offset=1048576 '" + image.string() +
              "' /mnt; stat -f -c '%b %S' /mnt >'" + result.string() + "'\"");
        std::ifstream file{result};
        std::uintmax_t blocks = 0, size = 0;
        file >> blocks >> size;
        return blocks * size;
    }
};

class AHostileDisk : public ADisk {};
class ADebianOnADisk : public ADisk {};

} // namespace

INSTANTIATE_TEST_SUITE_P(Of, ABareFilesystem, testing::Values("ext4", "xfs", "btrfs", "squashfs", "erofs"),
                         [](const auto& type) { return type.param; });

INSTANTIATE_TEST_SUITE_P(Of, AGrowingFilesystem, testing::Values("ext4", "xfs", "btrfs"),
                         [](const auto& type) { return type.param; });

TEST_P(ABareFilesystem, IsARoot) {
    const Path image = bare(GetParam());
    start(from(image));

    EXPECT_EQ(ask("filesystem /"), GetParam());
    EXPECT_EQ(ask("cat /etc/name"), "root");
    EXPECT_EQ(ask("create /home/new"), is_written() ? "ok" : "!EROFS");
    EXPECT_THAT(seen_mount(ask("mount-at /")).options, Contains("nodev"));
    EXPECT_EQ(end_machine(), 0);

    start(from(image));
    EXPECT_EQ(ask("size /home/new"), is_written() ? "0" : "!ENOENT");
}

TEST_P(ABareFilesystem, StaysAsItIsBelowALayer) {
    const Path image = bare(GetParam());
    start(from(image, {"-x"}));
    EXPECT_EQ(ask("filesystem /"), "overlay");
    EXPECT_EQ(ask("create /home/new"), "ok");

    // Side by side from one image.
    start(from(image, {"-x"}));
    EXPECT_EQ(ask("size /home/new"), "!ENOENT");
}

TEST_P(ABareFilesystem, HasTheOwnersOfTheMachine) {
    start(from(bare(GetParam()), {"-U"}));

    EXPECT_THAT(ask("stat /etc/name"), HasSubstr("0:0"));
    EXPECT_THAT(ask("create /home/new"), is_written() ? "ok" : "!EROFS");
}

TEST_F(ADisk, OfGptHasItsPartitionsInTheirPlaces) {
    const Path image = make_disk(place("disk.raw"), "gpt",
                                 {{filesystem_called("esp", "vfat"), esp_type},
                                  {filesystem_called("home"), home_type},
                                  {bare("ext4"), root_type, "name=\"root\""},
                                  {filesystem_called("var"), var_type, "attrs=\"GUID:60\""}});
    start(from(image));

    EXPECT_EQ(ask("cat /etc/name"), "root");
    EXPECT_EQ(ask("cat /home/name"), "home");
    EXPECT_EQ(ask("cat /var/name"), "var");
    EXPECT_EQ(ask("create /home/new"), "ok");
    EXPECT_EQ(ask("create /var/new"), "!EROFS");
    EXPECT_THAT(seen_mount(ask("mount-at /home")).options, Contains("nodev"));
    EXPECT_EQ(end_machine(), 0);

    start(from(image));
    EXPECT_EQ(ask("size /home/new"), "0");
}

TEST_F(ADisk, OfGptBelowALayerHasLayersOnAllItsPartitions) {
    const Path image =
        make_disk(place("disk.raw"), "gpt", {{bare("ext4"), root_type}, {filesystem_called("home"), home_type}});
    start(from(image, {"--ephemeral"}));
    EXPECT_EQ(ask("create /home/new"), "ok");
    EXPECT_EQ(ask("cat /home/name"), "home");
    EXPECT_EQ(end_machine(), 0);

    start(from(image, {"--ephemeral", "-U"}));
    EXPECT_EQ(ask("size /home/new"), "!ENOENT");
    EXPECT_THAT(ask("stat /home/name"), HasSubstr("0:0"));
}

TEST_F(ADisk, OfMbrHasItsBootablePartitionAsItsRoot) {
    const Path image =
        make_disk(place("disk.raw"), "dos", {{filesystem_called("home"), "83"}, {bare("ext4"), "83", "bootable"}});
    start(from(image));

    EXPECT_EQ(ask("cat /etc/name"), "root");
}

TEST_F(ADisk, WithUsrAloneHasARootInMemory) {
    const Path usr = make_filesystem_file(tree.path() / "usr", "erofs", place("usr.img"));
    Start given = from(make_disk(place("disk.raw"), "gpt", {{usr, usr_type}}));
    given.command = {"/usr/lib/systemd/systemd"};
    start(given);

    EXPECT_EQ(ask("filesystem /"), "tmpfs");
    EXPECT_EQ(ask("filesystem /usr"), "erofs");
}

TEST_F(ADisk, IsReadOnlyOnRequest) {
    start(from(bare("ext4"), {"--read-only"}));

    EXPECT_EQ(ask("create /home/new"), "!EROFS");
}

TEST_F(ADisk, ThatIsMarkedReadOnlyIsNotWritten) {
    const Path image = bare("ext4");
    fs::permissions(image, fs::perms::owner_read);
    const auto before = fs::last_write_time(image);
    start(from(image));

    EXPECT_EQ(ask("create /home/new"), "!EROFS");
    EXPECT_EQ(end_machine(), 0);
    EXPECT_EQ(fs::last_write_time(image), before);
}

TEST_F(ADisk, ForgetsItsStateOnRequest) {
    const Path image = bare("ext4");
    start(from(image, {"--volatile=state"}));
    EXPECT_EQ(ask("create /var/new"), "ok");
    EXPECT_EQ(ask("create /home/new"), "!EROFS");
    EXPECT_EQ(end_machine(), 0);

    start(from(image, {"--volatile=overlay"}));
    EXPECT_EQ(ask("size /var/new"), "!ENOENT");
    EXPECT_EQ(ask("create /home/new"), "ok");
}

TEST_F(ADisk, IsCopiedForAnInstanceOnRequest) {
    const Path image = bare("ext4");
    start(from(image, {"--ephemeral", "--layer=copy"}));
    EXPECT_EQ(ask("filesystem /"), "ext4");
    EXPECT_EQ(ask("create /home/new"), "ok");
    EXPECT_EQ(end_machine(), 0);

    start(from(image));
    EXPECT_EQ(ask("size /home/new"), "!ENOENT");
}

TEST_P(AGrowingFilesystem, GrowsToItsPartitionByItsFlag) {
    const Path image =
        make_disk(place("disk.raw"), "gpt", {{bare(GetParam(), "320M"), root_type, "attrs=\"GUID:59\""}}, 101);
    shell("printf ', +100M\\n' | sfdisk -q -N 1 '" + image.string() + "'");
    const auto before = size_inside(image);
    start(from(image));
    ask("pid");
    EXPECT_EQ(end_machine(), 0);

    EXPECT_GT(size_inside(image), before + 80 * mib);
}

TEST_P(AGrowingFilesystem, GrowsWithItsImageBySetLimit) {
    const std::string name = unused_name();
    const Path image = make_disk(place_in_the_pool(name), "gpt", {{bare(GetParam(), "320M"), root_type}});
    const auto before = size_inside(image);
    const auto size = fs::file_size(image) + 100 * mib;

    const Outcome grown = machinist({"set-limit", name, std::to_string(size)});

    EXPECT_EQ(grown.status, 0) << grown.errors;
    EXPECT_EQ(fs::file_size(image), size);
    EXPECT_GT(size_inside(image), before + 80 * mib);
    const Outcome again = machinist({"set-limit", name, "1M"});
    EXPECT_EQ(again.status, 1);
    EXPECT_THAT(again.errors, HasSubstr("never made smaller"));
    start({.options = {"--machine=" + name}, .name = name});
    EXPECT_EQ(ask("cat /etc/name"), "root");
    EXPECT_EQ(end_machine(), 0);
}

TEST_F(ADisk, ThatCannotGrowSaysWhy) {
    const std::string name = unused_name();
    const Path image = place_in_the_pool(name);
    fs::copy_file(bare("squashfs"), image);

    const Outcome refusal = machinist({"set-limit", name, "1G"});

    EXPECT_EQ(refusal.status, 1);
    EXPECT_THAT(refusal.errors, HasSubstr("squashfs, which cannot grow"));
    EXPECT_LT(fs::file_size(image), 1024 * mib);
}

TEST_F(ADisk, RunsOnceAtATime) {
    const Path image = bare("ext4");
    start(from(image));
    ask("pid");

    Start second = from(image);
    second.command = {"/probe", "--ask", "pid"};
    const Outcome outcome = outcome_of(second);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("is currently busy"));
}

TEST_F(ADisk, StartsAgainWhenItReboots) {
    start(from(bare("ext4")));
    EXPECT_EQ(ask("create /home/new"), "ok");
    const pid_t before = machine().leader();
    machine().tell("reboot restart");
    ASSERT_TRUE(eventually([&] { return machine().leader() != before; }, 10s)) << machine().program().errors();

    EXPECT_EQ(ask("size /home/new"), "0");
}

TEST_F(ADisk, IsFoundByItsNameAmongTheImages) {
    const std::string name = unused_name();
    const Path image = place_in_the_pool(name);
    fs::copy_file(bare("ext4"), image);
    start({.options = {"--machine=" + name}, .name = name});
    EXPECT_EQ(ask("cat /etc/name"), "root");
    EXPECT_THAT(machinist({"image-status", name}).output, AllOf(HasSubstr("raw"), HasSubstr(image.string())));
    EXPECT_EQ(end_machine(), 0);

    const Outcome checked = machinist({"check", name});
    EXPECT_THAT(checked.output, AllOf(HasSubstr("Image: " + name), HasSubstr("Init: "))) << checked.errors;
    EXPECT_THAT(machinist({"image-status", name}).output, HasSubstr("OS: "));
}

TEST_F(ADisk, IsNotClonedWhileItIsWritten) {
    const std::string name = unused_name();
    const Path image = place_in_the_pool(name);
    fs::copy_file(bare("ext4"), image);
    start({.options = {"--machine=" + name}, .name = name});
    ask("pid");

    const Outcome refusal = machinist({"clone", name, name + "-copy"});

    EXPECT_EQ(refusal.status, 1);
    EXPECT_THAT(refusal.errors, HasSubstr("is currently busy"));
    EXPECT_FALSE(fs::exists("/var/lib/machines/" + name + "-copy.raw"));
    EXPECT_EQ(end_machine(), 0);
}

TEST_F(ADisk, MayBeABlockDevice) {
    const Path image = make_disk(place("disk.raw"), "gpt", {{bare("ext4"), root_type}});
    const Path name = place("device");
    shell("losetup --find --show '" + image.string() + "' >'" + name.string() + "'");
    const std::string device = words_of(text_of(name), '\n').at(0);
    start(from(device));
    EXPECT_EQ(ask("cat /etc/name"), "root");
    EXPECT_EQ(ask("create /home/new"), "ok");
    Start second = from(device);
    second.command = {"/probe", "--ask", "pid"};
    EXPECT_THAT(outcome_of(second).errors, HasSubstr("is currently busy"));
    shell("losetup --detach " + device);
}

TEST_F(ADisk, IsNoDirectory) {
    EXPECT_THAT(outcome_of({.options = {"--directory=" + bare("ext4").string()}}).errors, HasSubstr("directory"));
}

TEST_F(ADisk, ObeysTheImagePolicy) {
    const Path image =
        make_disk(place("disk.raw"), "gpt", {{bare("ext4"), root_type}, {filesystem_called("home"), home_type}});

    EXPECT_THAT(refused(image, {"--image-policy=root=verity"}).errors, HasSubstr("partition 1 (root)"));
    EXPECT_THAT(refused(image, {"--image-policy=root=unprotected:home=absent"}).errors,
                HasSubstr("partition 2 (home)"));
    start(from(image, {"--image-policy=root=unprotected"}));
    EXPECT_EQ(ask("size /home/name"), "!ENOENT");
}

TEST_F(ADisk, ThatIsEncryptedOrVerifiedSaysWhatIsMissing) {
    const Path image = make_disk(place("disk.raw"), "gpt", {{bare("ext4"), root_type}});
    EXPECT_THAT(refused(image, {"--root-hash=" + std::string(64, 'a')}).errors,
                HasSubstr("no partition with verity data"));

    std::ofstream luks{place("luks.img"), std::ios::binary};
    // LUKS 1: magic, version, and zeros in the right places are all that is looked at.
    std::string header(1 << 20, '\0');
    header.replace(0, 8, std::string{"LUKS\xba\xbe\0\1", 8});
    luks << header;
    luks.close();
    const Path encrypted = make_disk(place("encrypted.raw"), "gpt", {{place("luks.img"), root_type}});
    EXPECT_THAT(refused(encrypted).errors, AllOf(HasSubstr("partition 1 (root)"), HasSubstr("LUKS")));
}

TEST_F(ADisk, ThatVerifiesItselfSaysHowToRunItWhereTheKernelCannot) {
    if (UniqueFd{::open("/dev/mapper/control", O_RDWR | O_CLOEXEC)})
        GTEST_SKIP() << "this kernel has a device mapper";
    const std::string half(32, 'a');
    const std::string id = "uuid=aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
    std::ofstream{place("hashes")} << std::string(1 << 20, '\0');
    std::string document = R"({"rootHash":")" + half + half + R"(","signature":"AAEC"})";
    document.resize(16384);
    std::ofstream{place("signature")} << document;
    const Path image = make_disk(place("disk.raw"), "gpt",
                                 {{bare("ext4"), root_type, id},
                                  {place("hashes"), root_verity_type, id},
                                  {place("signature"), root_verity_signature_type}});

    EXPECT_THAT(refused(image).errors,
                AllOf(HasSubstr("no device mapper"), HasSubstr("--image-policy=root=unprotected")));
    start(from(image, {"--image-policy=root=unprotected"}));
    EXPECT_EQ(ask("cat /etc/name"), "root");
}

TEST_F(AHostileDisk, IsRefusedWithASentence) {
    const Path good =
        make_disk(place("good.raw"), "gpt", {{bare("ext4"), root_type}, {filesystem_called("home"), home_type}});
    const std::vector<std::pair<std::string, std::string>> spoilers{
        {"empty", "truncate -s 0 $D"},
        {"cut off in its table", "truncate -s 700 $D"},
        {"cut off in a partition", "truncate -s 20M $D"},
        {"without its filesystem", "dd if=/dev/zero of=$D bs=1M seek=1 count=32 conv=notrunc status=none"},
        {"of noise", "dd if=/dev/urandom of=$D bs=1M count=20 conv=notrunc status=none"},
        {"with noise for a superblock", "dd if=/dev/urandom of=$D bs=1 seek=1049600 count=50 conv=notrunc status=none"},
        {"with a superblock of wild numbers",
         "printf '\\377\\377\\377\\177' | dd of=$D bs=1 seek=1049604 conv=notrunc status=none"},
        {"with tables that are noise",
         "dd if=/dev/urandom of=$D bs=512 seek=1 count=33 conv=notrunc status=none; S=$(stat -c %s $D); "
         "dd if=/dev/urandom of=$D bs=512 seek=$((S / 512 - 33)) count=33 conv=notrunc status=none"},
    };
    for (const auto& [what, spoil] : spoilers) {
        SCOPED_TRACE(what);
        const Path bad = place("bad.raw");
        shell("D='" + bad.string() + "'; cp --sparse=always '" + good.string() + "' $D; " + spoil);
        const auto begin = std::chrono::steady_clock::now();
        const Outcome outcome = refused(bad);

        EXPECT_LT(std::chrono::steady_clock::now() - begin, 15s);
        EXPECT_THAT(outcome.errors, HasSubstr(bad.string()));
        EXPECT_THAT(outcome.errors, Not(HasSubstr("internal")));
        EXPECT_THAT(loop_devices_of(bad), IsEmpty());
    }
}

// Spoiled where nothing vouches for the bytes: it may run, but nothing may hang or stay behind.
TEST_F(AHostileDisk, WithNoiseInItsFilesystemDoesNoHarm) {
    for (const char* type : {"ext4", "xfs", "btrfs", "squashfs", "erofs"})
        for (const int seed : {1, 2, 3, 4}) {
            SCOPED_TRACE(std::string{type} + " " + std::to_string(seed));
            const Path bad = bare(type);
            shell("for at in 1 2 3 4 5 6 7 8; do dd if=/dev/urandom of='" + bad.string() + "' bs=64 count=1 seek=$((" +
                  std::to_string(seed) + " * 7919 * at % 20000 + 18)) conv=notrunc status=none; done");
            Start given = from(bad);
            given.command = {"/probe", "--ask", "pid"};
            const auto begin = std::chrono::steady_clock::now();
            const Outcome outcome = outcome_of(given);

            EXPECT_LT(std::chrono::steady_clock::now() - begin, 15s);
            EXPECT_THAT(outcome.status, testing::AnyOf(0, 1)) << outcome.errors;
            EXPECT_THAT(outcome.errors, Not(HasSubstr("internal")));
            EXPECT_THAT(remnants_of(machine().name(), tree.workplace().path()), IsEmpty());
        }
}

TEST_F(AHostileDisk, WithLinksInTheWayOfItsPartitionsIsRefused) {
    fs::remove(tree.path() / "home");
    fs::create_directory_symlink("/etc", tree.path() / "home");
    const Path image =
        make_disk(place("disk.raw"), "gpt", {{bare("ext4"), root_type}, {filesystem_called("home"), home_type}});

    EXPECT_THAT(refused(image).errors, HasSubstr("home"));
}

TEST_F(AHostileDisk, ThatIsNoFileIsRefused) {
    shell("mkfifo '" + place("pipe").string() + "'");

    EXPECT_THAT(refused(place("pipe")).errors, HasSubstr("pipe"));
    EXPECT_THAT(refused(place("missing.raw")).errors, HasSubstr("missing.raw"));
}

TEST_F(ADisk, LeavesNothingOfAStartThatFailsOrIsKilled) {
    const Outcome listed = run(MACHINIST_PROGRAM, {"run", "--list-stages"});
    if (listed.status != 0)
        GTEST_SKIP() << "this build has no fault hooks; configure it with -Dfault_hooks=true";
    const Path image =
        make_disk(place("disk.raw"), "gpt", {{bare("ext4"), root_type}, {filesystem_called("home"), home_type}});
    for (const char* stage : {"parent lock the image", "parent compose the root", "parent make the base directories",
                              "parent let the payload execute", "child execute the payload"})
        for (const char* what : {"kill", "eperm"})
            for (const char* layer : {"--read-only", "-x"}) {
                SCOPED_TRACE(std::string{stage} + " " + what + " " + layer);
                Start given = from(image, {layer});
                given.environment = {"FAULT_AT=" + std::string{stage} + ":" + what};
                const Outcome outcome = outcome_of(given);
                EXPECT_NE(outcome.status, 0) << outcome.errors;
                EXPECT_TRUE(eventually([&] { return processes_of(machine().name()).empty(); }));
                machinist({"gc"});
                EXPECT_TRUE(eventually([&] { return loop_devices_of(image).empty(); }))
                    << testing::PrintToString(loop_devices_of(image));
                EXPECT_THAT(remnants_of(machine().name(), tree.workplace().path()), IsEmpty());
            }
}

TEST_F(ADebianOnADisk, Boots) {
    if (!Debian::has_tree("trixie"))
        GTEST_SKIP() << "no Debian tree: tests/run makes them";
    const Path image =
        make_disk(place("debian.raw"), "gpt",
                  {{make_filesystem_file(Debian::tree_of("trixie"), "ext4", place("debian.img"), "1G"), root_type}});
    fs::remove(place("debian.img"));
    Debian debian{"trixie", {"--image=" + image.string()}};

    EXPECT_THAT(debian.sh("findmnt -n -o FSTYPE /").output, HasSubstr("ext4"));
    EXPECT_THAT(debian.sh("systemctl is-system-running").output,
                testing::AnyOf(HasSubstr("running"), HasSubstr("degraded")));
}

} // namespace machinist::test
