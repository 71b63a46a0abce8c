// SPDX-License-Identifier: LGPL-2.1-or-later
// Debian's own packages of programs that call systemd-nspawn, as they are; the call is answered by ours.
#include "system/under_systemds_names.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::ContainsRegex;
using testing::HasSubstr;

class PackagedClients : public UnderSystemdsNames {
protected:
    // True if the host's release has it.
    static bool has(const std::string& program) {
        return holds("command -v " + program + " >/dev/null");
    }
};

// What it puts into its trees needs Python there: the tree is the host's own, without what apt would ask the network.
TEST_F(PackagedClients, DebspawnRunsACommandInAnImageAndBootsIt) {
    if (!has("debspawn"))
        GTEST_SKIP() << "needs debspawn, which this host does not have";
    ASSERT_EQ(
        sh("mkdir -p /tmp/spawn/images /tmp/spawn/temp /tmp/spawn/out /etc/debspawn && "
           "printf 'OSImagesDir=\"/tmp/spawn/images\"\\nTempDir=\"/tmp/spawn/temp\"\\n"
           "ResultsDir=\"/tmp/spawn/out\"\\nAPTCacheDir=\"/tmp/spawn/apt\"\\nDefaultBootstrapVariant=\"none\"\\n' "
           ">/etc/debspawn/global.toml && "
           "tar -C / --one-file-system -I 'zstd -1' -cf /tmp/spawn/images/trixie-$(dpkg --print-architecture).tar.zst "
           "--exclude='./etc/apt/sources.list*' --exclude=./etc/systemd/system "
           "--exclude=./usr/share/doc --exclude=./usr/share/locale --exclude=./usr/libexec/machinist "
           "--exclude=./var/cache/apt --exclude=./var/lib/machines --exclude=./usr/lib/genuine .",
           180s)
            .status,
        0);

    const Outcome command = sh("debspawn run trixie -- sh -c 'id -u; pwd'", 240s);
    EXPECT_EQ(command.status, 0) << command.output << command.errors;
    EXPECT_THAT(command.output, ContainsRegex("0\r?\n/srv"));
    const Outcome boot = sh("debspawn run --boot trixie -- systemctl is-active multi-user.target", 300s);
    EXPECT_EQ(boot.status, 0) << boot.output << boot.errors;
    EXPECT_THAT(boot.output, HasSubstr("active\n"));

    EXPECT_EQ(output_of("machinectl list --no-legend"), "");
    (void)sh("rm -rf /tmp/spawn /etc/debspawn");
}

TEST_F(PackagedClients, MkosiRunsACommandInItsImageAndBootsIt) {
    if (!has("mkosi"))
        GTEST_SKIP() << "needs mkosi, which this host does not have";
    ASSERT_TRUE(holds("mkdir -p /tmp/kosi/image /tmp/kosi/source && cd /tmp/kosi && echo code >source/main.c && "
                      "printf '[Distribution]\\nDistribution=debian\\n[Output]\\nFormat=directory\\nOutput=image\\n"
                      "[Runtime]\\nRuntimeTrees=/tmp/kosi/source\\n' >mkosi.conf && "
                      "mount --bind /var/lib/machines/web image"));

    const Outcome command = sh("cd /tmp/kosi && mkosi shell -- cat /root/src/main.c", 120s);
    EXPECT_EQ(command.status, 0) << command.errors;
    EXPECT_THAT(command.output, ContainsRegex("code\r?\n$"));
    const Outcome boot = sh("cd /tmp/kosi && mkosi boot systemd.unit=poweroff.target", 120s);
    EXPECT_EQ(boot.status, 0) << boot.output << boot.errors;

    EXPECT_EQ(output_of("machinectl list --no-legend"), "");
    (void)sh("umount /tmp/kosi/image; rm -rf /tmp/kosi");
}

} // namespace machinist::test
