// SPDX-License-Identifier: LGPL-2.1-or-later
// A user without rights over machines boots a tree of their own: bob, to whom polkit allows just that here.
#include "system/host.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class AMachineOfAUser : public WithOurProvider {
protected:
    void SetUp() override {
        WithOurProvider::SetUp();
        if (!holds("test -d /var/lib/machines/busy"))
            GTEST_SKIP() << "needs the tree busybox; tests/run makes it";
        // A home is on an overlay here, whose users cannot be mapped.
        const Outcome unpacked = sh("mkdir -p /srv/own && mount -t tmpfs -o mode=0755 tmpfs /srv/own && "
                                    "install -d -m 0700 -o bob -g bob /srv/own/bob /srv/own/bob/tree && "
                                    "tar -C /var/lib/machines/busy -c --exclude='./dev/*' . | "
                                    "setpriv --reuid=bob --regid=bob --clear-groups tar -C /srv/own/bob/tree -x");
        ASSERT_EQ(unpacked.status, 0) << unpacked.errors;
        ASSERT_TRUE(holds("cat >/etc/polkit-1/rules.d/20-own.rules <<'RULES'\n"
                          "polkit.addRule(function (action, subject) {\n"
                          "    if (subject.user == 'bob' && action.id == 'io.machinist.start-own-machine')\n"
                          "        return polkit.Result.YES;\n"
                          "});\n"
                          "RULES\n"
                          "systemctl restart polkit"));
    }
    void TearDown() override {
        (void)sh("rm -f /etc/polkit-1/rules.d/20-own.rules; systemctl restart polkit");
        WithOurProvider::TearDown();
        EXPECT_TRUE(eventually([] { return holds("! mountpoint -q /srv/own || umount /srv/own"); }, 30s));
    }
    static void start() {
        const Outcome started = as("bob", "machinist --no-ask-password --user start /srv/own/bob/tree");
        ASSERT_EQ(started.status, 0) << started.errors;
    }
    static Outcome run(const std::string& words) {
        return as("bob", "machinist run -q --no-ask-password " + words);
    }
};

TEST_F(AMachineOfAUser, IsBootedUsedAndEndedByItsUser) {
    start();

    EXPECT_THAT(as("bob", "machinist --user list --no-legend").output, StartsWith("tree container"));
    EXPECT_EQ(as("daemon", "machinist --user list --no-legend").output, "");
    EXPECT_EQ(output_of("machinist show -P Owner tree"), output_of("id -u bob"));
    const Outcome inside =
        as("bob", "machinist exec tree -- /bin/sh -c 'id -u; stat -c %u:%g /etc/passwd; touch /etc/new; "
                  "mkdir /etc/www; chown 33:33 /etc/www; cat /sys/class/net/host0/type'");
    EXPECT_EQ(inside.output, "0\n0:0\n1\n") << inside.errors;
    EXPECT_EQ(output_of("stat -c %U /srv/own/bob/tree/etc/new"), "bob");
    EXPECT_EQ(output_of("stat -c %u:%g /srv/own/bob/tree/etc/www"), "2147352609:2147352609");
    EXPECT_EQ(output_of("systemctl show -P TasksMax machine-tree.scope"), "4096");
    EXPECT_THAT(as("bob", "machinist -q shell tree /bin/echo a session of mine").output,
                HasSubstr("a session of mine"));
    const Outcome ended = as("bob", "machinist poweroff --wait --timeout=40 tree");
    EXPECT_EQ(ended.status, 0) << ended.errors;

    EXPECT_TRUE(eventually(
        [] {
            return holds("! test -e /run/machinist/machines/tree && ! test -e /run/systemd/machines/tree && "
                         "! systemctl --quiet is-active machine-tree.scope");
        },
        30s))
        << output_of("ls -la /run/machinist/machines /run/systemd/machines; systemctl status machine-tree.scope || :");
}

// As its user unpacks it, all files are the machine's root's: the guest's services change what must be others'.
TEST_F(AMachineOfAUser, IsADebianThatItsUserHasUnpacked) {
    const Outcome unpacked = sh("install -d -m 0755 -o bob -g bob /srv/own/bob/debian && "
                                "tar -C /var/lib/machines/web -c --exclude='./dev/*' . | "
                                "setpriv --reuid=bob --regid=bob --clear-groups tar -C /srv/own/bob/debian -x");
    ASSERT_EQ(unpacked.status, 0) << unpacked.errors;
    const Outcome started = as("bob", "machinist --no-ask-password --user start /srv/own/bob/debian");
    ASSERT_EQ(started.status, 0) << started.errors;
    ASSERT_EQ(as("bob", "machinist wait --for=ready --timeout=120 debian").status, 0);

    const Outcome inside = as("bob", "machinist exec debian -- /bin/sh -c 'systemctl is-system-running --wait; "
                                     "systemctl --failed --plain --no-legend; ip -o addr show host0'");
    EXPECT_THAT(inside.output, StartsWith("running\n")) << inside.errors;
    EXPECT_THAT(inside.output, HasSubstr("inet "));
    EXPECT_THAT(as("bob", "machinist -q shell debian /usr/bin/loginctl --no-legend list-sessions").output,
                HasSubstr("root"));
    const Outcome ended = as("bob", "machinist poweroff --wait --timeout=60 debian");
    EXPECT_EQ(ended.status, 0) << ended.errors;
}

TEST_F(AMachineOfAUser, IsOneOfEightThatStartAtOnce) {
    ASSERT_TRUE(holds("for n in 1 2 3 4 5 6 7 8; do cp -a /srv/own/bob/tree /srv/own/bob/tree$n; done"));

    const Outcome started = as("bob", "for n in 1 2 3 4 5 6 7 8; do machinist --no-ask-password --user start "
                                      "/srv/own/bob/tree$n & all=\"$all $!\"; done; for one in $all; do wait $one || "
                                      "exit; done");

    EXPECT_EQ(started.status, 0) << started.errors;
    EXPECT_EQ(as("bob", "machinist --user list --no-legend | wc -l").output, "8\n");
    const Outcome ninth = as("bob", "machinist --no-ask-password --user start /srv/own/bob/tree");
    EXPECT_THAT(ninth.errors, HasSubstr("has 8 machines already"));
    EXPECT_EQ(
        as("bob", "for n in 1 2 3 4 5 6 7 8; do machinist --no-ask-password terminate tree$n || exit; done").status, 0);
    EXPECT_EQ(
        as("bob", "machinist wait --for=removed --timeout=30 tree1 tree2 tree3 tree4 tree5 tree6 tree7 tree8").status,
        0);
}

TEST_F(AMachineOfAUser, IsNobodyElses) {
    start();

    for (const char* words : {"poweroff tree", "terminate tree", "kill tree", "exec tree -- /bin/true"})
        EXPECT_NE(as("daemon", std::string{"machinist --no-ask-password "} + words).status, 0) << words;
    EXPECT_EQ(output_of("machinist show -P State tree"), "running");
    // What names files of the host is for administrators still.
    for (const char* words :
         {"copy-from tree /etc/passwd /srv/own/bob/x", "bind tree /etc /srv", "copy-to tree /etc/hostname /root/x"})
        EXPECT_NE(as("bob", std::string{"machinist --no-ask-password "} + words).status, 0) << words;

    EXPECT_EQ(as("bob", "machinist --no-ask-password terminate tree").status, 0);
}

TEST_F(AMachineOfAUser, RunsACommandWithTheStreamsOfItsUser) {
    const Outcome outcome = as("bob", "echo asked | machinist --user run -q --no-ask-password -D /srv/own/bob/tree -x "
                                      "/bin/sh -c 'cat; id -u; touch /new; echo wrong >&2; exit 7'");

    EXPECT_EQ(outcome.status, 7) << outcome.errors;
    EXPECT_EQ(outcome.output, "asked\n0\n");
    EXPECT_THAT(outcome.errors, HasSubstr("wrong"));
    EXPECT_FALSE(holds("test -e /srv/own/bob/tree/new"));
}

TEST_F(AMachineOfAUser, HasATerminalWhereItsUserHas) {
    const Outcome outcome = as("bob", "script -qec \"machinist run -q --no-ask-password -D /srv/own/bob/tree -x "
                                      "/bin/sh -c 'test -t 0 && echo on a terminal; exit 3'\" /dev/null");

    EXPECT_EQ(outcome.status, 3) << outcome.output << outcome.errors;
    EXPECT_THAT(outcome.output, HasSubstr("on a terminal"));
}

TEST_F(AMachineOfAUser, StandsOnATreeOfTheirsAndOnNoOther) {
    const std::string mine = "-D /srv/own/bob/tree ";
    EXPECT_THAT(run("-D /var/lib/machines/busy -M x /bin/true").errors, HasSubstr("Permission denied"));
    EXPECT_THAT(run("-D /usr -M x /bin/true").errors, HasSubstr("it belongs to user 0"));
    ASSERT_TRUE(holds("ln -s /usr /srv/own/bob/link && chown -h bob: /srv/own/bob/link"));
    EXPECT_THAT(run("-D /srv/own/bob/link -M x /bin/true").errors, HasSubstr("it belongs to user 0"));
    EXPECT_THAT(run(mine + "--bind=/etc /bin/true").errors, AllOf(HasSubstr("--bind"), HasSubstr("root")));
    EXPECT_THAT(run(mine + "--private-users=no /bin/true").errors, HasSubstr("--private-users"));
    ASSERT_TRUE(holds("chmod 0755 /srv/own/bob"));
    EXPECT_THAT(run(mine + "/bin/true").errors, HasSubstr("others could reach into it"));
    ASSERT_TRUE(holds("chmod 0700 /srv/own/bob"));
    EXPECT_THAT(run("-D /srv/own/bob/tree -M busy /bin/true").errors, HasSubstr("name of an image"));
    EXPECT_NE(as("daemon", "machinist run -q --no-ask-password -D /srv/own/bob/tree /bin/true").status, 0);
    EXPECT_EQ(output_of("machinist list --no-legend"), "");
}

TEST_F(AMachineOfAUser, IsOneOfAsManyAsTheAdministratorAllowsAlsoOverARestartOfTheService) {
    start();
    ASSERT_TRUE(holds("d=/run/systemd/system/machinistd.service.d; mkdir -p $d && "
                      "daemon=$(systemctl show -P ExecStart machinistd | sed 's/.*path=\\([^ ]*\\) .*/\\1/') && "
                      "printf '[Service]\\nExecStart=\\nExecStart=%s --machines-per-user=1\\n' $daemon >$d/own.conf && "
                      "systemctl daemon-reload && systemctl restart machinistd"));

    const Outcome second = run("-D /srv/own/bob/tree -x -M second /bin/true");
    EXPECT_NE(second.status, 0);
    EXPECT_THAT(second.errors, HasSubstr("has 1 machines already"));
    EXPECT_EQ(as("bob", "machinist exec tree -- /bin/true").status, 0);
    EXPECT_EQ(as("bob", "machinist --no-ask-password terminate tree").status, 0);
    EXPECT_EQ(as("bob", "machinist wait --for=removed --timeout=30 tree").status, 0);

    const Outcome next = run("-D /srv/own/bob/tree -x -M second /bin/true");
    EXPECT_EQ(next.status, 0) << next.errors;
    (void)sh("rm -r /run/systemd/system/machinistd.service.d; systemctl daemon-reload; systemctl restart machinistd");
}

} // namespace machinist::test
