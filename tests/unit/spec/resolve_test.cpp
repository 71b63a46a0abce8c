// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/resolve.hpp"

#include "requests.hpp"
#include "spec/capability_names.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <linux/capability.h>

namespace machinist {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(AStartInTheMannerOfNspawn, HasItsDefaults) {
    const MachineSpec spec = nspawn({"ls"}).spec();
    EXPECT_EQ(spec.users.kind, UserNamespaceKind::none);
    EXPECT_EQ(spec.users.ownership, Ownership::off);
    EXPECT_FALSE(spec.network.is_private);
    EXPECT_EQ(spec.capabilities.bounding, 0xfdecafffU);
    EXPECT_FALSE(spec.syscall_filter.strict);
    EXPECT_EQ(spec.service, "systemd-nspawn");
    EXPECT_EQ(spec.console, ConsoleMode::read_only);
    EXPECT_EQ(spec.payload.mode, StartMode::as_pid1);
    EXPECT_FALSE(spec.kill_signal);
    EXPECT_TRUE(spec.registered && spec.registration_may_fail && spec.tmpfs_on_tmp && spec.lock_image);
}

TEST(AStartInOurManner, IsSafeByDefault) {
    const MachineSpec spec = machinist_run({"-b"}).spec();
    EXPECT_EQ(spec.users.kind, UserNamespaceKind::pick);
    EXPECT_EQ(spec.users.ownership, Ownership::automatic);
    EXPECT_TRUE(spec.syscall_filter.strict);
    EXPECT_EQ(spec.capabilities.bounding, machinist_capabilities & ~capability_bit(CAP_NET_BIND_SERVICE));
    EXPECT_EQ(spec.service, "systemd-nspawn");
}

TEST(AStart, TakesItsNameFromTheDirectory) {
    Decision decision = nspawn({});
    EXPECT_EQ(decision.spec().name.text(), "web");
    EXPECT_EQ(decision.spec().hostname, "web");
    decision.image.directory = "/srv/my image/";
    EXPECT_EQ(decision.spec().name.text(), "myimage");
    decision.image.directory = "/srv/...";
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("no name can be made of '...'")));
    EXPECT_EQ(nspawn({"-M", "db", "--hostname=inner"}).spec().hostname, "inner");
}

TEST(AnEphemeralStart, HasANameOfItsOwnUnlessOneIsGiven) {
    EXPECT_EQ(nspawn({"-x"}).spec().name.text(), "web-0123456789abcdef");
    EXPECT_EQ(nspawn({"-x", "-M", "db"}).spec().name.text(), "db");
    Decision decision = nspawn({"-x"});
    decision.image.directory = "/srv/" + std::string(46, 'a') + ".bbb";
    EXPECT_EQ(decision.spec().name.text(), std::string(46, 'a') + "-0123456789abcdef");
}

TEST(AnEphemeralStart, ChoosesItsLayerByTheFilesystem) {
    Decision decision = nspawn({"-x"});
    EXPECT_EQ(decision.spec().root.layer, LayerKind::tmpfs);
    decision.image.is_btrfs_subvolume = true;
    EXPECT_EQ(decision.spec().root.layer, LayerKind::snapshot);
    EXPECT_EQ(nspawn({"-x", "--layer=disk"}).spec().root.layer, LayerKind::disk);
    EXPECT_EQ(nspawn({}).spec().root.layer, LayerKind::none);
}

TEST(TheMachineId, OfTheImageCountsMoreThanAnyOther) {
    const auto in_image = *MachineId::parse("22222222222222222222222222222222");
    Decision decision = nspawn({"--uuid=33333333333333333333333333333333"});
    EXPECT_EQ(decision.spec().id.plain(), std::string(32, '3'));
    decision.image.machine_id_state = MachineIdState::valid;
    decision.image.machine_id = in_image;
    EXPECT_EQ(decision.spec().id, in_image);
    EXPECT_THAT(decision.resolved().warnings, SizeIs(1));
    EXPECT_EQ(nspawn({}).spec().id, a_chance().id);
}

TEST(Booting, EndsByTheSignalThatSystemdHaltsOn) {
    EXPECT_EQ(nspawn({"-b"}).spec().kill_signal, SIGRTMIN + 3);
    EXPECT_EQ(nspawn({"-b", "--kill-signal=SIGTERM"}).spec().kill_signal, SIGTERM);
}

TEST(Booting, EndsByWhatAnotherInitTakesForIt) {
    Decision decision = nspawn({"-b"});
    decision.image.init = {"/sbin/init", "busybox"};
    EXPECT_EQ(decision.spec().kill_signal, SIGUSR2);
    decision.image.init.kind = "sysvinit";
    EXPECT_FALSE(decision.spec().kill_signal);
    decision.image.init.kind = "unknown";
    EXPECT_EQ(decision.spec().kill_signal, SIGRTMIN + 3);
}

TEST(Booting, DoesNotWaitForAnInitThatNeverSaysThatItIsReady) {
    Decision decision = nspawn({"-b", "--notify-ready=yes"});
    EXPECT_TRUE(decision.spec().notify_ready);
    decision.image.init = {"/sbin/init", "openrc"};
    EXPECT_FALSE(decision.spec().notify_ready);
    EXPECT_THAT(decision.resolved().warnings, SizeIs(1));
}

TEST(Booting, IsRefusedForASystemdThatKnowsNoControlGroupsOfVersionTwo) {
    Decision decision = nspawn({"-b"});
    decision.image.init.systemd_version = 219;
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("systemd 219 of '/var/lib/machines/web' cannot boot")));
    decision.image.init.systemd_version = 233;
    EXPECT_THAT(decision.sentences(), IsEmpty());
}

TEST(Booting, TurnsWordsWithoutADotIntoVariablesOfInit) {
    const PayloadSpec payload = nspawn({"-b", "systemd.hostname=web", "foo-bar=1", "=x", "123=", "foo!=", "single",
                                        "systemd.mask=a.service", "A=1", "A=2"})
                                    .spec()
                                    .payload;
    EXPECT_THAT(payload.arguments,
                ElementsAre("systemd.hostname=web", "=x", "123=", "foo!=", "single", "systemd.mask=a.service"));
    EXPECT_THAT(payload.environment, ElementsAre("foo_bar=1", "A=2"));
}

TEST(ACommand, KeepsWordsThatLookLikeVariables) {
    EXPECT_THAT(nspawn({"env", "A=1"}).spec().payload.arguments, ElementsAre("env", "A=1"));
}

TEST(TheEnvironment, TakesTheCallersValueWhereNoneIsGiven) {
    EXPECT_THAT(nspawn({"-E", "LANG", "-E", "UNSET", "-E", "A=1", "-E", "A=2"}).spec().payload.environment,
                ElementsAre("LANG=de_DE.UTF-8", "A=2"));
}

TEST(TheConsole, IsInteractiveOnATerminalOnly) {
    Decision decision = nspawn({});
    decision.host.stdin_is_terminal = decision.host.stdout_is_terminal = true;
    EXPECT_EQ(decision.spec().console, ConsoleMode::interactive);
    EXPECT_EQ(decision.spec().payload.terminal, "xterm");
    decision.words = {"--console=autopipe"};
    EXPECT_EQ(decision.spec().console, ConsoleMode::interactive);
    decision.words = {"--pipe"};
    EXPECT_EQ(decision.spec().payload.terminal, "dumb");
    EXPECT_TRUE(decision.spec().quiet);
    EXPECT_THAT(decision.resolved().warnings, SizeIs(1));
    EXPECT_EQ(nspawn({"--console=autopipe"}).spec().console, ConsoleMode::pipe);
    EXPECT_EQ(nspawn({"--console=passive"}).spec().payload.terminal, "dumb");
}

TEST(Capabilities, FollowTheNetworkAndTheUsers) {
    EXPECT_EQ(nspawn({"--private-network"}).spec().capabilities.bounding, 0xfdecbfffU);
    EXPECT_EQ(nspawn({"--private-network", "--drop-capability=CAP_NET_ADMIN"}).spec().capabilities.bounding,
              0xfdecafffU);
    EXPECT_EQ(nspawn({"-U"}).spec().capabilities.bounding, 0xfdecafffU & ~capability_bit(CAP_NET_BIND_SERVICE));
    EXPECT_EQ(nspawn({"--capability=all"}).spec().capabilities.bounding, all_capabilities);
    EXPECT_EQ(nspawn({"--drop-capability=all"}).spec().capabilities.bounding, 0U);
}

TEST(Capabilities, ThatTheCallerLacksAreLeftOutWithAWarning) {
    Decision decision = nspawn({"--capability=CAP_BPF"});
    decision.host.bounding_capabilities = 0xfdecafff;
    EXPECT_EQ(decision.spec().capabilities.bounding, 0xfdecafffU);
    EXPECT_THAT(decision.resolved().warnings, ElementsAre(Field(&Problem::sentence, HasSubstr("CAP_BPF"))));
}

TEST(Ownership, IsAutomaticWhereUsersArePicked) {
    EXPECT_EQ(nspawn({"-U"}).spec().users.ownership, Ownership::automatic);
    EXPECT_EQ(nspawn({"--private-users=pick"}).spec().users.ownership, Ownership::automatic);
    EXPECT_EQ(nspawn({"--private-users=pick", "--private-users-ownership=chown"}).spec().users.ownership,
              Ownership::chown);
    EXPECT_EQ(nspawn({"--private-users=655360"}).spec().users.ownership, Ownership::off);
    EXPECT_EQ(nspawn({"--private-users=655360"}).spec().users.base, 655360U);
}

TEST(AReadOnlyRoot, IsImpliedByWhatCoversOrForgetsIt) {
    EXPECT_FALSE(nspawn({}).spec().root.read_only);
    EXPECT_TRUE(nspawn({"--read-only"}).spec().root.read_only);
    EXPECT_TRUE(nspawn({"--volatile=overlay"}).spec().root.read_only);
    EXPECT_TRUE(nspawn({"--overlay=/a:/b:/"}).spec().root.read_only);
    Decision decision = nspawn({});
    decision.image.read_only = true;
    EXPECT_TRUE(decision.spec().root.read_only);
    decision.words = {"-x"};
    EXPECT_FALSE(decision.spec().root.read_only);
}

TEST(ExtraMounts, HaveParentsBeforeChildren) {
    const MachineSpec spec = nspawn({"--bind=/x:/a/b/c", "--tmpfs=/a-b", "--tmpfs=/a/b", "--bind=/y:/a"}).spec();
    std::vector<std::string> order;
    for (const ExtraMount& mount : spec.extra_mounts)
        order.push_back(mount.destination);
    EXPECT_THAT(order, ElementsAre("/a", "/a/b", "/a/b/c", "/a-b"));
}

TEST(Limits, OfTheAdministratorReplaceTheDefaults) {
    const auto limits = nspawn({"--rlimit=NOFILE=5:6"}).spec().resources.limits;
    EXPECT_THAT(limits, SizeIs(RLIM_NLIMITS));
    EXPECT_THAT(limits, Contains(LimitSpec{RLIMIT_NOFILE, 5, 6}));
}

TEST(ThePersonality, IsThatOfTheImage) {
    Decision decision = nspawn({});
    EXPECT_EQ(decision.spec().personality, "");
    decision.image.architecture = "x86";
    EXPECT_EQ(decision.spec().personality, "x86");
    decision.words = {"--personality=x86-64"};
    EXPECT_EQ(decision.spec().personality, "x86-64");
}

TEST(SystemCalls, OfUnknownNamesAreWarnedOfAndRefusedWhereTheyWereToBeDenied) {
    EXPECT_THAT(nspawn({"--system-call-filter=bpf @keyring", "--system-call-filter=~mount"}).resolved().warnings,
                IsEmpty());
    EXPECT_THAT(nspawn({"--system-call-filter=odd_call", "--system-call-filter=~@odd"}).resolved().warnings, SizeIs(2));
    EXPECT_THAT(machinist_run({"--system-call-filter=odd_call"}).sentences(), IsEmpty());
    EXPECT_THAT(machinist_run({"--system-call-filter=~odd_call"}).sentences(),
                ElementsAre(HasSubstr("'odd_call' is the name of no system call known here")));
}

TEST(EnvironmentSwitches, ChangeWhatTheyAlwaysChanged) {
    Decision decision = nspawn({"ls"});
    decision.host.environment = {{"SYSTEMD_NSPAWN_TMPFS_TMP", "0"},
                                 {"SYSTEMD_NSPAWN_LOCK", "false"},
                                 {"SYSTEMD_SECCOMP", "0"},
                                 {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1"},
                                 {"SYSTEMD_NSPAWN_API_VFS_WRITABLE", "yes"},
                                 {"SYSTEMD_NSPAWN_USE_CGNS", "no"},
                                 {"SYSTEMD_NSPAWN_CONTAINER_SERVICE", "mkosi"},
                                 {"SYSTEMD_SUPPRESS_SYNC", "1"},
                                 {"SYSTEMD_NSPAWN_SHARE_NS_UTS", "1"}};
    const MachineSpec spec = decision.spec();
    EXPECT_FALSE(spec.tmpfs_on_tmp || spec.lock_image || spec.syscall_filter.enabled || spec.cgroup_namespace);
    EXPECT_EQ(spec.api_writable, ApiWritable::yes);
    EXPECT_EQ(spec.service, "mkosi");
    EXPECT_TRUE(spec.syscall_filter.suppress_sync);
    EXPECT_TRUE(spec.shared.uts && !spec.shared.pid);
    EXPECT_FALSE(spec.registered);
}

TEST(EnvironmentSwitches, WithoutMeaningAreRefused) {
    Decision decision = nspawn({});
    decision.host.environment = {{"SYSTEMD_NSPAWN_LOCK", "perhaps"}, {"SYSTEMD_NSPAWN_CONTAINER_SERVICE", "a\nb"}};
    EXPECT_THAT(decision.sentences(), SizeIs(2));
}

TEST(Credentials, AreTakenFromWhatWasRead) {
    Decision decision = nspawn({"--set-credential=a:x\\ny", "--load-credential=b:/p", "--load-credential=c:inherited"});
    decision.loaded = {{"b", std::string{"\0\xff", 2}}, {"c", "z"}};
    const auto credentials = decision.spec().credentials;
    ASSERT_THAT(credentials, SizeIs(3));
    EXPECT_EQ(credentials[0].value, "x\ny");
    EXPECT_EQ(credentials[1].value, std::string("\0\xff", 2));
}

TEST(CredentialsToLoad, AreNamedByPath) {
    HostFacts host = a_host();
    const Settings settings =
        parsed({"--load-credential=a:rel/x", "--load-credential=b:inherited", "--set-credential=c:1"}).request.settings;
    EXPECT_THAT(credentials_to_load(settings, host), ElementsAre(Field(&CredentialToLoad::path, "/srv/rel/x")));
    host.environment["CREDENTIALS_DIRECTORY"] = "/run/credentials/x";
    EXPECT_THAT(credentials_to_load(settings, host),
                ElementsAre(Field(&CredentialToLoad::path, "/srv/rel/x"),
                            Field(&CredentialToLoad::path, "/run/credentials/x/inherited")));
}

TEST(TheImageOfARequest, IsADirectoryOrANameToLookFor) {
    const auto image = [](std::vector<std::string> words) {
        return image_of_request(parsed(std::move(words)).request, a_host());
    };
    EXPECT_EQ(std::get<Path>(image({})), "/srv");
    EXPECT_EQ(std::get<Path>(image({"-D", "./a//b/../c/"})), "/srv/a/b/../c");
    EXPECT_EQ(std::get<Path>(image({"-D", "/", "-M", "x"})), "/");
    EXPECT_EQ(std::get<MachineName>(image({"-M", "web"})).text(), "web");
    EXPECT_EQ(std::get<Path>(image({"-M", "web", "--template=/t"})), "/var/lib/machines/web");
}

TEST(TheBaseName, OfTheHostItselfIsTheHostsName) {
    EXPECT_EQ(base_name_of(parsed({}).request, "/", a_host())->text(), "host.example");
}

} // namespace machinist
