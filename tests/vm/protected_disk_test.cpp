// SPDX-License-Identifier: LGPL-2.1-or-later
// Disk images that are encrypted, where the kernel has a device mapper.
#include "vm/virtual_machine.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {

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

} // namespace machinist::test
