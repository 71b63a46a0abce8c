// SPDX-License-Identifier: LGPL-2.1-or-later
// --forward-journal: a machine's journal on its host, received by systemd-journal-remote.
#include "system/host.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::HasSubstr;

class AForwardedJournal : public OnAHost {
protected:
    void SetUp() override {
        OnAHost::SetUp();
        if (!IsSkipped() && systemd_version() < 256)
            GTEST_SKIP() << "needs systemd-journal-remote of version 256, which listens for machines";
    }
    void TearDown() override {
        OnAHost::TearDown();
        (void)sh("rm -rf /var/log/of-machines; machinist gc");
    }
    static void run_machine(const std::string& options) {
        const Outcome outcome =
            sh("systemd-run --quiet --collect --unit=runs-web --service-type=notify machinist run --boot "
               "--notify-ready=yes --machine=web --ephemeral --directory=/var/lib/machines/web " +
               options);
        EXPECT_EQ(outcome.status, 0) << outcome.errors << sh("journalctl -b -u runs-web -o cat -n 30").output;
    }
    static bool comes(const std::string& word, const std::string& place) {
        return eventually([&] { return holds("journalctl -q -o cat " + place + " -t told | grep -qx " + word); }, 60s);
    }
    static void tell(const std::string& word) {
        EXPECT_TRUE(holds("machinist exec web -- /usr/bin/logger -t told " + word));
    }
    static constexpr const char* file = "--file=/var/log/of-machines/web.journal";
};

TEST_F(AForwardedJournal, IsInItsFileOnTheHost) {
    run_machine("--forward-journal=/var/log/of-machines/web.journal");

    tell("hello");

    EXPECT_TRUE(comes("hello", file)) << sh("journalctl -b -u runs-web -o cat -n 30").output;
    EXPECT_EQ(output_of("machinist exec web -- /usr/bin/findmnt -n -o OPTIONS /run/host/journal | cut -c1-2"), "ro");
    // Only its root can add lines.
    EXPECT_EQ(output_of("machinist exec web -- /usr/bin/stat -c '%U %a' /run/host/journal/socket"), "root 200");
}

TEST_F(AForwardedJournal, IsReceivedWithoutRightsAndUntilTheMachineEnds) {
    ASSERT_TRUE(holds("install -d -o nobody -g nogroup /var/log/of-machines"));
    run_machine("--forward-journal=/var/log/of-machines");
    tell("hello");
    EXPECT_TRUE(comes("hello", "--file=/var/log/of-machines/remote-web.journal"));
    const std::string receiver = output_of("pgrep -f [s]ystemd-journal-remote");

    EXPECT_EQ(output_of("stat -c %U /proc/" + receiver), "nobody");
    EXPECT_THAT(output_of("grep -E '^(CapPrm|CapBnd|NoNewPrivs)' /proc/" + receiver + "/status | tr -d '\\t\\n'"),
                "CapPrm:0000000000000000CapBnd:0000000000000000NoNewPrivs:1");
    EXPECT_NE(output_of("readlink /proc/" + receiver + "/ns/net"), output_of("readlink /proc/1/ns/net"));
    EXPECT_EQ(output_of("awk '$5 == \"/\" { print substr($6, 1, 2) }' /proc/" + receiver + "/mountinfo | tail -n1"),
              "ro");

    EXPECT_TRUE(holds("machinist poweroff web && machinist wait web --for=removed --timeout=60"));
    EXPECT_TRUE(eventually([&] { return !holds("test -e /proc/" + receiver); }, 60s));
    EXPECT_EQ(output_of("ls -A /run/machinist/machines"), "");
}

TEST_F(AForwardedJournal, GoesOnOverARebootAndEndsWithASupervisorThatIsKilled) {
    run_machine("--forward-journal=/var/log/of-machines/web.journal");
    const std::string receiver = output_of("pgrep -f [s]ystemd-journal-remote");
    const std::string leader = output_of("machinist show -P Leader web");

    ASSERT_TRUE(holds("machinist reboot web"));
    EXPECT_TRUE(eventually(
        [&] {
            const Outcome shown = sh("machinist show -P Leader web");
            return shown.status == 0 && shown.output != leader + "\n" &&
                   holds("machinist wait web --for=ready --timeout=60");
        },
        120s));
    tell("again");
    EXPECT_TRUE(comes("again", file));
    EXPECT_FALSE(holds("test -e /proc/" + receiver));
    const std::string next = output_of("pgrep -f [s]ystemd-journal-remote");

    ASSERT_TRUE(holds("systemctl kill --kill-whom=main --signal=KILL runs-web || "
                      "kill -KILL $(pgrep -f [m]achinist-supervisor)"));
    EXPECT_TRUE(eventually([&] { return !holds("test -e /proc/" + next); }, 60s));
}

TEST_F(AForwardedJournal, KeepsToItsLimits) {
    run_machine("--forward-journal=/var/log/of-machines --forward-journal-max-use=32M "
                "--forward-journal-max-file-size=1M --forward-journal-max-files=3");
    tell("first");
    EXPECT_TRUE(comes("first", "--directory=/var/log/of-machines"));

    EXPECT_TRUE(
        holds("machinist exec web -- /bin/sh -c 'for i in $(seq 2000); do echo $i $(head -c 1500 /dev/urandom | "
              "base64 -w0); done | systemd-cat -t told; logger -t told last'"));

    EXPECT_TRUE(comes("last", "--directory=/var/log/of-machines"));
    // The file that is written to is not counted.
    EXPECT_LE(std::stoi(output_of("ls /var/log/of-machines | wc -l")), 4);
    EXPECT_LE(std::stoi(output_of("du -sm /var/log/of-machines | cut -f1")), 32);
}

TEST_F(AForwardedJournal, IsRefusedBeforeAnythingIsMadeWhereNobodyCouldReceiveIt) {
    const Outcome outcome = sh("unshare -m sh -c 'mount --bind /dev/null /usr/lib/systemd/systemd-journal-remote; "
                               "machinist run -b -x -D /var/lib/machines/web --forward-journal=/var/log/of-machines'");

    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.errors, HasSubstr("--forward-journal: systemd-journal-remote is not installed; try installing "
                                          "systemd-journal-remote of version 256 or newer"));
    EXPECT_FALSE(holds("test -e /var/log/of-machines"));
    EXPECT_EQ(output_of("ls -A /run/machinist/machines"), "");
}

TEST_F(AForwardedJournal, ThatCannotBeWrittenIsAFailedStart) {
    const Outcome outcome = sh("mkdir -p /var/log/of-machines/web.journal && machinist run -b -x --machine=web "
                               "-D /var/lib/machines/web --forward-journal=/var/log/of-machines/web.journal");

    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.errors, HasSubstr("receive its journal: "));
    EXPECT_FALSE(holds("pgrep -f [s]ystemd-journal-remote"));
    EXPECT_EQ(output_of("ls -A /run/machinist/machines"), "");
}

} // namespace machinist::test
