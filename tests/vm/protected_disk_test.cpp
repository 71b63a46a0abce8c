// SPDX-License-Identifier: LGPL-2.1-or-later
// Disk images that are encrypted or verified, where the kernel has a device mapper; and what else only root of a whole
// kernel may do to disk images.
#include "vm/virtual_machine.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr const char* root_type = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"; // of x86-64
constexpr const char* root_verity_type = "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5";
constexpr const char* root_verity_sig_type = "41092b05-9fc8-4523-994f-2def0408b176";

class AProtectedDisk : public testing::Test {
protected:
    void SetUp() override {
        if (const std::string reason = why_no_virtual_machine(); !reason.empty())
            GTEST_SKIP() << reason;
        // A shell, cat and perl are a system.
        did("mkdir -p /disks && cd /disks && test -e tree || { "
            "mkdir -p tree/usr/bin tree/etc tree/dev tree/proc tree/sys tree/run tree/tmp tree/var; "
            "ln -s usr/bin tree/bin; ln -s usr/lib tree/lib; ln -s usr/lib64 tree/lib64; "
            "for program in sh cat ls perl; do cp -L /usr/bin/$program tree/usr/bin/; "
            "ldd /usr/bin/$program | grep -o '/[^ ]*' | while read -r library; do "
            "mkdir -p tree/usr${library%/*}; cp -L $library tree/usr$library; done; done; "
            "mkdir -p tree/usr/lib64; cp -L /lib64/ld-linux-x86-64.so.2 tree/usr/lib64/; echo disk >tree/etc/name; }");
    }
    void TearDown() override {
        if (IsSkipped())
            return;
        // Devices go with their last user, which udev may be for a moment.
        EXPECT_EQ(sh("for i in $(seq 100); do ls -d /sys/block/dm-* >/dev/null 2>&1 || grep -qs disks "
                     "/sys/block/loop*/loop/backing_file || exit 0; sleep 0.2; done; "
                     "grep . /sys/block/dm-*/dm/name /sys/block/loop*/loop/backing_file; exit 1")
                      .output,
                  "");
        did("rm -f /disks/disk*");
    }
    static Outcome sh(const std::string& command) {
        return virtual_machine().sh("cd /disks; " + command);
    }
    static std::string did(const std::string& command) {
        Outcome outcome = sh(command);
        EXPECT_EQ(outcome.status, 0) << command << "\n" << outcome.output;
        return std::move(outcome.output);
    }
    static Outcome machine(const std::string& options, const std::string& script) {
        return sh("machinist run -q --pipe --image=disk.raw " + options + " /bin/sh -c '" + script + "' </dev/null");
    }
    static std::string output_of(const std::string& options, const std::string& script) {
        const Outcome outcome = machine(options, script);
        EXPECT_EQ(outcome.status, 0) << outcome.output;
        return outcome.output;
    }
};

class AnEncryptedDisk : public AProtectedDisk {
protected:
    void SetUp() override {
        AProtectedDisk::SetUp();
        if (IsSkipped())
            return;
        did("printf secret >key; truncate -s 64M disk.luks; cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 "
            "--pbkdf-force-iterations 1000 disk.luks key; cryptsetup open --key-file key disk.luks made && "
            "mkfs.ext4 -q -d tree /dev/mapper/made; cryptsetup close made");
    }
    static constexpr const char* with_key = "--load-credential=dissect.passphrase:/disks/key";
};

class AVerifiedDisk : public AProtectedDisk {
protected:
    void SetUp() override {
        AProtectedDisk::SetUp();
        if (IsSkipped())
            return;
        did("truncate -s 32M disk.raw; mkfs.ext4 -q -b 4096 -d tree disk.raw; "
            "veritysetup format disk.raw disk.verity | sed -n 's/^Root hash:[[:space:]]*//p' >disk.roothash; "
            "grep -q '^[0-9a-f]\\{64\\}$' disk.roothash");
    }
    // more: what sfdisk is told of further partitions.
    static void become_partitions(const std::string& more = "") {
        did("mv disk.raw disk.root; hash=$(cat disk.roothash); truncate -s 40M disk.raw; "
            "id() { echo $1 | sed 's/^\\(.\\{8\\}\\)\\(.\\{4\\}\\)\\(.\\{4\\}\\)\\(.\\{4\\}\\)/\\1-\\2-\\3-\\4-/'; }; "
            "printf 'label: gpt\\nstart=1MiB, size=32MiB, type=" +
            std::string{root_type} + ", uuid=%s\\nstart=33MiB, size=4MiB, type=" + root_verity_type + ", uuid=%s\\n" +
            more +
            "' $(id ${hash%????????????????????????????????}) $(id ${hash#????????????????????????????????}) | "
            "sfdisk -q disk.raw; dd if=disk.root of=disk.raw bs=1M seek=1 conv=notrunc status=none; "
            "dd if=disk.verity of=disk.raw bs=1M seek=33 conv=notrunc status=none; rm disk.verity");
    }
};

} // namespace

TEST_F(AnEncryptedDisk, IsARootThatIsWritten) {
    did("mv disk.luks disk.raw");

    EXPECT_EQ(output_of(with_key, "cat /etc/name; echo new >/etc/written"), "disk\n");
    EXPECT_EQ(output_of(with_key, "cat /etc/written"), "new\n");
    EXPECT_EQ(output_of(std::string{with_key} + " -x", "echo other >/etc/written; cat /etc/written"), "other\n");
    EXPECT_EQ(output_of("--set-credential=dissect.passphrase:secret --read-only",
                        "cat /etc/written; echo other 2>/dev/null >/etc/written || echo kept"),
              "new\nkept\n");
}

TEST_F(AnEncryptedDisk, MayBeAPartition) {
    did("truncate -s 70M disk.raw; printf 'label: gpt\\nstart=1MiB, size=64MiB, type=" + std::string{root_type} +
        "\\n' | sfdisk -q disk.raw; dd if=disk.luks of=disk.raw bs=1M seek=1 conv=notrunc status=none");

    EXPECT_EQ(output_of(with_key, "cat /etc/name"), "disk\n");
    EXPECT_EQ(output_of(std::string{with_key} + " -U", "cat /etc/name; ls -ld /etc"),
              output_of(with_key, "cat /etc/name; ls -ld /etc"));
    EXPECT_THAT(machine(std::string{with_key} + " --image-policy=root=unprotected", "cat /etc/name").output,
                HasSubstr("is not protected as it must be"));
    EXPECT_THAT(machine(std::string{with_key} + " --image-policy=root=encrypted+xfs", "cat /etc/name").output,
                HasSubstr("holds ext4, which the policy does not name"));
}

TEST_F(AnEncryptedDisk, WantsItsPassphrase) {
    did("mv disk.luks disk.raw");

    const Outcome without = machine("--no-ask-password", "cat /etc/name");
    EXPECT_EQ(without.status, 1);
    EXPECT_THAT(without.output, AllOf(HasSubstr("nobody gave a passphrase"), Not(HasSubstr("internal"))));
    const Outcome with_another =
        machine("--no-ask-password --set-credential=dissect.passphrase:wrong", "cat /etc/name");
    EXPECT_EQ(with_another.status, 1);
    EXPECT_THAT(with_another.output, HasSubstr("with another passphrase"));
}

TEST_F(AnEncryptedDisk, KeepsItsPassphraseFromTheMachine) {
    did("mv disk.luks disk.raw");

    EXPECT_EQ(output_of(std::string{with_key} + " --set-credential=other:1", "ls $CREDENTIALS_DIRECTORY"), "other\n");
}

TEST_F(AnEncryptedDisk, IsAskedForOnTheTerminal) {
    did("mv disk.luks disk.raw");

    // What is typed before it is asked for is dropped.
    const std::string asked = "until [ $(grep -o Passphrase said | wc -l) -ge ";
    const std::string output =
        did("rm -f said; (" + asked + "1 ]; do sleep 0.2; done; echo wrong; " + asked +
            "2 ]; do sleep 0.2; done; echo secret; sleep 3) | script -qefc \"machinist run -q --console=pipe "
            "--image=disk.raw /bin/cat /etc/name\" said; rm said");

    EXPECT_THAT(output, AllOf(HasSubstr("Passphrase of the filesystem: "), HasSubstr("Not this one."),
                              HasSubstr("disk"), Not(HasSubstr("secret"))));
}

TEST_F(AnEncryptedDisk, StartsAgainWithoutBeingAskedFor) {
    did("mv disk.luks disk.raw");

    // The key is gone when the machine reboots.
    const std::string reboot =
        "echo x >>/etc/starts; test -e /etc/again || { echo >/etc/again; export LC_ALL=C; exec perl -e "
        "\"sleep 2; syscall(169, 0xfee1dead, 672274793, 0x1234567)\"; }; cat /etc/starts";
    EXPECT_EQ(did("cp key once; (sleep 1; rm once) & machinist run -q --pipe --image=disk.raw "
                  "--load-credential=dissect.passphrase:/disks/once /bin/sh -c '" +
                  reboot + "' </dev/null"),
              "x\nx\n");
}

TEST_F(AVerifiedDisk, IsARootThatIsNotWritten) {
    EXPECT_EQ(output_of("", "cat /etc/name; echo new 2>/dev/null >/etc/written || echo kept"), "disk\nkept\n");
    EXPECT_EQ(output_of("-x", "echo new >/etc/written; cat /etc/written"), "new\n");
    did("mv disk.roothash moved; mv disk.verity moved-tree");
    EXPECT_EQ(output_of("--root-hash=$(cat moved) --verity-data=moved-tree", "cat /etc/name"), "disk\n");
    EXPECT_EQ(output_of("--image-policy=root=verity+unprotected", "cat /etc/name"), "disk\n");
}

TEST_F(AVerifiedDisk, MayBeTwoPartitionsOfItsIds) {
    become_partitions();

    EXPECT_EQ(output_of("--image-policy=root=verity", "cat /etc/name"), "disk\n");
}

TEST_F(AVerifiedDisk, MayTellItsRootHashItself) {
    become_partitions("start=37MiB, size=16KiB, type=" + std::string{root_verity_sig_type} + "\\n");
    did("printf '{\"rootHash\":\"%s\",\"signature\":\"AAAA\"}' $(cat disk.roothash) | "
        "dd of=disk.raw bs=1M seek=37 conv=notrunc status=none; mv disk.roothash moved");

    EXPECT_EQ(output_of("", "cat /etc/name; echo new 2>/dev/null >/etc/written || echo kept"), "disk\nkept\n");
    // Nobody made this signature.
    EXPECT_THAT(machine("--image-policy=root=signed", "cat /etc/name").output,
                HasSubstr("set up a device of the kind 'verity'"));
    did("printf x | dd of=disk.raw bs=1 seek=$((1048576 + 100)) conv=notrunc status=none");
    EXPECT_THAT(machine("", "cat /etc/name").output, HasSubstr("its bytes are not those of the root hash"));
}

TEST_F(AVerifiedDisk, ThatWasChangedIsRefused) {
    EXPECT_THAT(machine("--root-hash=" + std::string(64, 'a'), "cat /etc/name").output,
                HasSubstr("its bytes are not those of the root hash"));

    did("printf x | dd of=disk.raw bs=1 seek=100 conv=notrunc status=none");
    const Outcome changed = machine("", "cat /etc/name");
    EXPECT_EQ(changed.status, 1);
    EXPECT_THAT(changed.output, HasSubstr("its bytes are not those of the root hash"));
}

TEST_F(AVerifiedDisk, WithASignatureThatNobodyMadeIsRefused) {
    const Outcome refused = machine("--root-hash-sig=base64:AAAA", "cat /etc/name");

    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.output, HasSubstr("set up a device of the kind 'verity'"));
}

TEST_F(AProtectedDisk, LeavesNoDeviceThatGcDoesNotFind) {
    // As a start that is killed in the moment between making a device and opening it would.
    did("truncate -s 4M disk.plain; cryptsetup open --type plain --cipher aes-xts-plain64 --key-size 256 --hash sha256 "
        "--key-file /dev/urandom disk.plain machinist-4194303-0123456789abcdef");
    EXPECT_THAT(sh("machinist doctor").output, HasSubstr("/dev/mapper/machinist-4194303-0123456789abcdef"));

    did("machinist gc");

    EXPECT_NE(sh("ls -d /sys/block/dm-*").status, 0);
}

TEST_F(AProtectedDisk, OfExt4GrowsWithItsImageAndToItsPartition) {
    did("truncate -s 32M disk.img; mkfs.ext4 -q -d tree disk.img; truncate -s 70M disk.raw; "
        "printf 'label: gpt\\nstart=1MiB, size=32MiB, type=" +
        std::string{root_type} +
        ", attrs=GUID:59\\n' | sfdisk -q disk.raw; dd if=disk.img of=disk.raw bs=1M seek=1 conv=notrunc status=none; "
        "printf ', 60M\\n' | sfdisk -q -N 1 disk.raw");
    // As the filesystem says itself.
    const auto blocks = [] { return std::stoul(did("od -A n -t u4 -j $((1048576 + 1028)) -N 4 disk.raw")); };
    const auto before = blocks();

    output_of("", "cat /etc/name");
    const auto grown = blocks();
    EXPECT_GT(grown, before * 3 / 2);

    did("mkdir -p /run/machines; mv disk.raw /run/machines/growing.raw; machinist set-limit growing 140M; "
        "mv /run/machines/growing.raw disk.raw");
    EXPECT_GT(blocks(), grown * 3 / 2);
}

} // namespace machinist::test
