// SPDX-License-Identifier: LGPL-2.1-or-later
#include "requests.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(WhatExcludesEachOther, IsRefusedByOneSentence) {
    struct Conflict {
        std::vector<std::string> words;
        const char* sentence;
    };
    const std::vector<Conflict> conflicts{
        {{"-a", "-b"}, "--boot and --as-pid2 exclude each other"},
        {{"--template=/t", "-x", "-D", "/d"}, "--template and --ephemeral exclude each other"},
        {{"--template=/t"}, "--template needs to know which directory to make"},
        {{"--layer=disk"}, "--layer has a meaning with --ephemeral only"},
        {{"-x", "--layer=snapshot"}, "is no btrfs subvolume"},
        {{"-i", "/i.raw", "-D", "/d"}, "--image and --directory exclude each other"},
        {{"-i", "/i.raw", "--template=/t"}, "--image and --template exclude each other"},
        {{"--root-hash=00112233445566778899aabbccddeeff"}, "a directory has no root hash"},
        {{"-x", "--link-journal=host"}, "a machine that is thrown away"},
        {{"-x", "--link-journal=guest"}, "a machine that is thrown away"},
        {{"--private-users-ownership=chown", "--read-only"}, "would write to a tree that is read-only or volatile"},
        {{"--private-users-ownership=chown", "--volatile"}, "would write to a tree that is read-only or volatile"},
        {{"--private-users=managed"}, "--private-users=managed needs a network that is not the host's"},
        {{"-D", "/d", "-n", "--managed-by=1000"}, "has users that are chosen for it"},
        {{"-n", "--managed-by=1000", "--private-users=managed"}, "stands on a directory"},
        {{"-D", "/d", "-n", "--managed-by=1000", "--private-users=managed", "-x", "--layer=disk"}, "layer in memory"},
        {{"-D", "/d", "-n", "--managed-by=1000", "--private-users=managed", "--bind=/etc"}, "no mounts of the host's"},
        {{"-U", "--overlay=/a:/b:/"}, "a mount on '/' cannot be given to users"},
        {{"--private-users=65536", "--private-users-ownership=map", "--bind=/a:/"}, "a mount on '/' cannot be given"},
        {{"--inaccessible=/"}, "--inaccessible=/ leaves nothing that could be started"},
        {{"-b", "--ambient-capability=CAP_CHOWN"}, "--ambient-capability and --boot exclude each other"},
        {{"--ambient-capability=CAP_BPF"}, "CAP_BPF is not among the capabilities kept"},
        {{"--set-credential=a:b", "--uid=builder"}, "credentials could be read only by root"},
        {{"-b", "--set-credential=a:b", "--uid=builder", "--no-new-privileges=yes"}, "credentials could be read only"},
        {{"--load-credential=a:b"}, "'b' was not passed to this program"},
        {{"--network-bridge=br0", "--network-zone=lan"}, "--network-bridge and --network-zone exclude each other"},
        {{"--network-namespace-path=/run/netns/a", "-n"}, "the namespace has its own"},
        {{"--network-namespace-path=/run/netns/a", "--network-veth-extra=a:b"}, "the namespace has its own"},
        {{"--network-namespace-path=/run/netns/a", "--network-macvlan=eth0"}, "the namespace has its own"},
        {{"--network-namespace-path=/run/netns/a", "--network-ipvlan=eth0"}, "the namespace has its own"},
        {{"--network-namespace-path=/run/netns/a", "--network-interface=eth0"}, "the namespace has its own"},
        {{"--network-namespace-path=/run/netns/a", "--network-zone=lan"}, "the namespace has its own"},
        {{"--port=80"}, "--port needs a network that is not the host's"},
        {{"--port=80", "--network-namespace-path=/run/netns/a"}, "--port needs a network that is not the host's"},
        {{"-n", "--network-veth-extra=a:host0"}, "two network links would be called 'host0' in the machine"},
        {{"--network-veth-extra=a:b", "--network-veth-extra=a:c"}, "would be called 'a' on the host"},
        {{"--network-interface=lo"}, "would be called 'lo' in the machine"},
        {{"--private-network", "--network-address=192.0.2.7/24"}, "need a link that they are for"},
        {{"-n", "--network-address=0.0.0.0/0"}, "'0.0.0.0/0' is no address that a link can have"},
        {{"-n", "--network-gateway=192.0.2.1"}, "the machine has no address to reach '192.0.2.1' from"},
        {{"-n", "--network-address=::7/64", "--network-gateway=192.0.2.1"}, "no address to reach '192.0.2.1' from"},
        {{"-n", "--network-address=192.0.2.7", "--network-gateway=192.0.2.1,192.0.2.2"}, "a second one of its family"},
        {{"--resolv-conf=dns"}, "no name server is given"},
        {{"--cpu-affinity=4"}, "the host has no processor 4"},
    };
    for (const Conflict& conflict : conflicts)
        EXPECT_THAT(nspawn(conflict.words).sentences(), ElementsAre(HasSubstr(conflict.sentence)))
            << conflict.words.front();
}

TEST(WhatGoesTogether, IsNotRefused) {
    const std::vector<std::vector<std::string>> lines{
        {"--template=/t", "-D", "/d"},
        {"-x", "--link-journal=try-guest"},
        {"-x", "-j"},
        {"-x", "--layer=reflink"},
        {"--private-users=65536", "--overlay=/a:/b:/"},
        {"--private-users=no", "--overlay=/a:/b:/"},
        {"--network-namespace-path=/run/netns/a", "--private-network"},
        {"--network-namespace-path=/run/netns/a", "--private-network", "-p", "80"},
        {"--network-macvlan=eth0 eth1:m", "--network-veth-extra=a", "-n", "--port=80", "--port=udp:80"},
        {"-n", "--network-address=192.0.2.7/24 ::7/64", "--network-gateway=192.0.2.1", "--network-gateway=::1"},
        {"--ambient-capability=CAP_CHOWN", "ls"},
        {"--capability=CAP_BPF", "--ambient-capability=CAP_BPF", "ls"},
        {"--set-credential=a:b", "--uid=builder", "--no-new-privileges=yes", "ls"},
        {"--set-credential=a:b", "--uid=0", "-b"},
        {"--volatile=overlay", "--read-only", "-b"},
        {"-U", "--volatile"},
    };
    for (const auto& words : lines)
        EXPECT_THAT(nspawn(words).sentences(), IsEmpty()) << words.front();
}

TEST(EverythingThatIsWrong, IsToldAtOnce) {
    Decision decision = machinist_run({"-ab", "--layer=disk", "--cpu-affinity=9", "--bind=/a:/"});
    decision.image.exists = false;
    decision.host.environment["SYSTEMD_NSPAWN_LOCK"] = "x";
    EXPECT_THAT(decision.sentences(), SizeIs(6));
}

TEST(ATree, ThatIsMissingOrNoSystemIsRefused) {
    Decision decision = nspawn({"-D", "/nowhere"});
    decision.image = {};
    decision.image.directory = "/nowhere";
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("the directory '/nowhere' does not exist")));
    decision.image.exists = true;
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("has no /usr")));
    decision.words = {"-b"};
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("neither /etc/os-release nor /usr/lib/os-release")));
    decision.image.os_release = {{"ID", "x"}};
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("has no init")));
    decision.host.environment["SYSTEMD_NSPAWN_CHECK_OS_RELEASE"] = "0";
    EXPECT_THAT(decision.sentences(), IsEmpty());
}

TEST(ATree, ThatIsCoveredOrPivotedIsNotJudged) {
    for (const auto& words : {std::vector<std::string>{"-b", "--overlay=/a:/b:/"}, {"-b", "--pivot-root=/inner"}}) {
        Decision decision = nspawn(words);
        decision.image.os_release.clear();
        EXPECT_THAT(decision.sentences(), IsEmpty());
    }
}

TEST(ADiskImage, GivesItsNameWithoutItsSuffixAndItsPartitionsToTheSpec) {
    Decision decision = nspawn({"-i", "web.raw", "-x"});
    decision.image.directory = "/srv/web.raw";
    decision.image.disk = DiskSpec{.mounts = {{.name = "partition 1 (root)", .places = {"/"}, .filesystem = "ext4"}}};
    decision.image.is_btrfs_subvolume = false;

    const MachineSpec spec = decision.spec();

    EXPECT_TRUE(spec.name.text().starts_with("web-")) << spec.name.text();
    ASSERT_TRUE(spec.root.disk);
    EXPECT_EQ(spec.root.disk->mounts.at(0).filesystem, "ext4");
    EXPECT_EQ(spec.root.layer, LayerKind::tmpfs);
    decision.words.emplace_back("--layer=snapshot");
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("a disk image has no snapshots")));
}

TEST(ADiskImage, ThatIsMissingIsNamed) {
    Decision decision = nspawn({"-i", "web.raw"});
    decision.image = {};
    decision.image.directory = "/srv/web.raw";

    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("the disk image '/srv/web.raw' does not exist")));
}

TEST(TheHostsOwnRoot, IsNeverWritten) {
    Decision decision = nspawn({"ls"});
    decision.image.directory = "/";
    decision.image.is_host_root = true;
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("the host's own root would be written")));
    for (const char* option : {"-x", "--volatile=yes", "--volatile=state"}) {
        decision.words = {option};
        EXPECT_THAT(decision.sentences(), IsEmpty()) << option;
    }
}

TEST(WritableApiFilesystems, NeedTheHostsUsersOrAnOwnNetwork) {
    Decision decision = nspawn({"-U"});
    decision.host.environment["SYSTEMD_NSPAWN_API_VFS_WRITABLE"] = "yes";
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("exclude each other")));
    decision.host.environment["SYSTEMD_NSPAWN_API_VFS_WRITABLE"] = "network";
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("needs a network that is not the host's")));
    decision.words = {"--private-network"};
    EXPECT_THAT(decision.sentences(), IsEmpty());
}

TEST(AnInit, NeedsItsOwnProcessesAndHostName) {
    Decision decision = nspawn({"-b"});
    decision.host.environment["SYSTEMD_NSPAWN_SHARE_SYSTEM"] = "1";
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("--boot needs process and host name namespaces")));
    decision.words = {"-a", "ls"};
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("--as-pid2 needs")));
    decision.words = {"ls"};
    EXPECT_THAT(decision.sentences(), IsEmpty());
}

TEST(AnOrdinaryUser, MayLookButNotStart) {
    Decision decision = machinist_run({"ls"});
    decision.host.caller_uid = 1000;
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("others have the service start theirs")));
    decision.words = {"--dry-run", "ls"};
    EXPECT_THAT(decision.sentences(), IsEmpty());
}

TEST(CredentialsThatAreTooLarge, AreRefused) {
    Decision decision = nspawn({"--load-credential=a:/p", "--load-credential=b:/q"});
    decision.loaded = {{"a", std::string(600000, 'x')}, {"b", std::string(600000, 'x')}};
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("1200002 bytes, more than the limit of 1 MiB")));
}

} // namespace machinist
