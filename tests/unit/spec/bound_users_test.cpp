// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/bound_user_records.hpp"

#include "requests.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

namespace {

HostUser a_user(const std::string& name, std::uint32_t uid = 1000) {
    return {.uid = uid,
            .gid = uid,
            .group = name,
            .real_name = "Ada",
            .home = "/home/" + name,
            .shell = "/bin/zsh",
            .password = "$y$hash",
            .ssh_keys = {"ssh-ed25519 AAAA ada@host"}};
}

Decision with_users(std::vector<std::string> words) {
    Decision decision = nspawn(std::move(words));
    decision.host.users = {{"ada", a_user("ada")}, {"bob", a_user("bob", 1001)}, {"root", a_user("root", 0)}};
    decision.host.users["shared"] = a_user("shared");
    decision.host.users["shared"].group = "users";
    decision.image.users = "root:x:0:0::/root:/bin/sh\nweb:x:60514:60514::/:/bin/sh\n";
    decision.image.groups = "root:x:0:\nbob2:x:60515:\n";
    return decision;
}

} // namespace

TEST(UsersOfTheHost, GetNumbersThatTheImageHasNot) {
    const MachineSpec spec = with_users({"--bind-user=ada", "--bind-user=bob", "--bind-user=ada"}).spec();

    ASSERT_THAT(spec.bound_users, SizeIs(2));
    EXPECT_EQ(spec.bound_users[0].id, 60516U);
    EXPECT_EQ(spec.bound_users[1].id, 60517U);
    EXPECT_EQ(spec.bound_users[0].shell, "");
    ASSERT_THAT(spec.extra_mounts, SizeIs(2));
    EXPECT_EQ(spec.extra_mounts[0].destination, "/run/host/home/ada");
    EXPECT_EQ(spec.extra_mounts[0].source.path, "/home/ada");
    EXPECT_EQ(spec.extra_mounts[0].id_mapping, IdMapping::destination_owner);
}

TEST(UsersOfTheHost, HaveTheShellThatIsWanted) {
    const auto shell = [](const char* option) {
        return with_users({"--bind-user=ada", option}).spec().bound_users.at(0).shell;
    };

    EXPECT_EQ(shell("--bind-user-shell=yes"), "/bin/zsh");
    EXPECT_EQ(shell("--bind-user-shell=no"), "");
    EXPECT_EQ(shell("--bind-user-shell=/bin/dash"), "/bin/dash");
}

TEST(UsersOfTheHost, AreRefusedWhereTheyWouldBeAmbiguous) {
    const auto sentence = [](std::vector<std::string> words) { return with_users(std::move(words)).sentences().at(0); };

    EXPECT_THAT(sentence({"--bind-user=root"}), HasSubstr("'root' is a user that every machine has itself"));
    EXPECT_THAT(sentence({"--bind-user=nope"}), HasSubstr("'nope' is no user of the host"));
    EXPECT_THAT(sentence({"--bind-user=shared"}), HasSubstr("has no group of the same name of its own"));
    EXPECT_THAT(sentence({"--bind-user-shell=yes"}), HasSubstr("--bind-user-shell and --bind-user-group are about"));
    EXPECT_THAT(sentence({"--bind-user-group=wheel"}), HasSubstr("--bind-user-shell and --bind-user-group are about"));
    Decision taken = with_users({"--bind-user=ada"});
    taken.image.groups += "ada:x:7:\n";
    EXPECT_THAT(taken.sentences().at(0), HasSubstr("'ada' is a user or group of the image already"));
}

TEST(UsersOfTheHost, AreWrittenAsUserRecords) {
    BoundUser user{.name = "ada", .id = 60514, .home = "/home/ada", .shell = "/bin/zsh"};
    user.real_name = "Ada";
    user.password = "$y$hash";
    user.ssh_keys = {"ssh-ed25519 AAAA"};
    user.groups = {"wheel"};

    EXPECT_THAT(
        records_of(user),
        ElementsAre(
            RecordFile{"ada.user",
                       R"({"userName":"ada","uid":60514,"gid":60514,"disposition":"regular","realName":"Ada",)"
                       R"("homeDirectory":"/run/host/home/ada","shell":"/bin/zsh","memberOf":["wheel"],)"
                       R"("service":"io.systemd.NSpawn"})"
                       "\n"},
            RecordFile{"ada.user-privileged",
                       R"({"privileged":{"hashedPassword":["$y$hash"],"sshAuthorizedKeys":["ssh-ed25519 AAAA"]}})"
                       "\n",
                       true},
            RecordFile{"ada.group",
                       R"({"groupName":"ada","gid":60514,"disposition":"regular","service":"io.systemd.NSpawn"})"
                       "\n"},
            RecordFile{"ada.group-privileged", "{\"privileged\":{}}\n", true},
            RecordFile{"60514.user", "ada.user", false, true},
            RecordFile{"60514.user-privileged", "ada.user-privileged", false, true},
            RecordFile{"60514.group", "ada.group", false, true},
            RecordFile{"60514.group-privileged", "ada.group-privileged", false, true},
            RecordFile{"ada:wheel.membership", ""}));
}

TEST(ADeviceOfTheHost, IsAPathBelowDevWithItsAccess) {
    const MachineSpec spec = nspawn({"--device=/dev/kvm", "--device=/dev/bus/usb:rw"}).spec();

    ASSERT_THAT(spec.devices, SizeIs(2));
    EXPECT_EQ(spec.devices[0].access, "rwm");
    EXPECT_EQ(spec.devices[1].path, "/dev/bus/usb");
    EXPECT_EQ(spec.devices[1].access, "rw");
    EXPECT_THAT(nspawn({"--device=/etc/passwd"}).sentences(), SizeIs(1));
    EXPECT_THAT(nspawn({"--device=/dev/../etc/passwd"}).sentences(), SizeIs(1));
}

TEST(ADeviceOfTheHost, MayBeNamedInFull) {
    Decision decision = nspawn({"--device=acme.com/engine=0", "--device=/dev/kvm", "--setenv=ENGINE=mine"});
    decision.host.cdi = {.devices = {{.path = "/dev/engine0", .source = "/dev/null", .user = 4}},
                         .mounts = {{.destination = "/opt/engine", .source = {"/usr/lib/engine", false}}},
                         .environment = {"ENGINE=0", "DRIVER=1"},
                         .groups = {44}};

    const MachineSpec spec = decision.spec();

    ASSERT_THAT(spec.devices, SizeIs(2));
    EXPECT_EQ(spec.devices[1].host_path(), "/dev/null");
    ASSERT_THAT(spec.extra_mounts, SizeIs(1));
    EXPECT_EQ(spec.extra_mounts[0].destination, "/opt/engine");
    EXPECT_THAT(spec.payload.environment, UnorderedElementsAre("ENGINE=mine", "DRIVER=1"));
    EXPECT_THAT(spec.payload.groups, ElementsAre(44));
    EXPECT_THAT(nspawn({"--device=acme.com/=0"}).sentences(),
                ElementsAre("--device: 'acme.com/=0' is no name of a device, which is VENDOR/CLASS=NAME"));
}

TEST(ADeviceOfTheHost, BelongsToAUserThatTheMachineHas) {
    Decision decision = nspawn({"--device=acme.com/engine=0", "--private-users=pick"});
    decision.host.cdi.devices = {{.path = "/dev/engine0", .source = "/dev/null", .user = 70000}};

    EXPECT_THAT(decision.sentences(),
                ElementsAre("--device: '/dev/engine0' is to belong to a user that the machine does not have"));
}

} // namespace machinist
