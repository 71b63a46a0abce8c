// SPDX-License-Identifier: LGPL-2.1-or-later
// Container Interface C and H: what the host tells the machine in /run/host.
#include "namespaces/container_interface.hpp"

#include <filesystem>
#include <fstream>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace machinist::test {

using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::MatchesRegex;
using testing::StartsWith;

class TheHostDirectory : public TheContainerInterface {};

EVERY_WAY(TheHostDirectory);

TEST_P(TheHostDirectory, C2_HasAnInaccessibleNodeOfEachKind) {
    boot();

    EXPECT_THAT(ask("stat /run/host/inaccessible/reg"), StartsWith("reg 0000 0:0"));
    EXPECT_THAT(ask("stat /run/host/inaccessible/dir"), StartsWith("dir 0000 0:0"));
    EXPECT_THAT(ask("stat /run/host/inaccessible/fifo"), StartsWith("fifo 0000 0:0"));
    EXPECT_THAT(ask("stat /run/host/inaccessible/sock"), StartsWith("sock 0000 0:0"));
    EXPECT_THAT(ask("stat /run/host/inaccessible/chr"), StartsWith("chr 0000 0:0"));
    EXPECT_THAT(ask("stat /run/host/inaccessible/blk"), StartsWith("blk 0000 0:0"));
}

TEST_P(TheHostDirectory, C3_HasTheNotifySocket) {
    boot();

    EXPECT_EQ(ask("stat /run/host/notify"), "sock 0200 0:0 0:0");
}

TEST_P(TheHostDirectory, C4_HasTheHostsOsRelease) {
    boot();

    EXPECT_EQ(ask("cat /run/host/os-release"), of_host("/etc/os-release"));
}

TEST_P(TheHostDirectory, C5_NamesTheManagerForEverybody) {
    boot();

    EXPECT_THAT(ask("stat /run/host/container-manager"), StartsWith("reg 0444"));
    EXPECT_EQ(ask("as 1000 cat /run/host/container-manager"), "systemd-nspawn\n");
}

TEST_P(TheHostDirectory, C6_HasTheMachinesIdForEverybody) {
    boot();

    EXPECT_THAT(ask("stat /run/host/container-uuid"), StartsWith("reg 0444"));
    EXPECT_EQ(ask("as 1000 cat /run/host/container-uuid"), ask("getenv container_uuid") + "\n");
}

TEST_P(TheHostDirectory, C8_SocketsBoundInUnixExportCanBeReachedFromTheHost) {
    boot();
    ASSERT_EQ(ask("listen /run/host/unix-export/service"), "ok");

    machine().tell("accept");
    const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const std::string path = "/run/machinist/machines/" + machine().name() + "/unix-export/service";
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    ASSERT_LT(path.size(), sizeof address.sun_path);
    path.copy(address.sun_path, path.size());
    EXPECT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << path;
    EXPECT_EQ(::send(client, "hello", 5, MSG_NOSIGNAL), 5);
    ::close(client);
    const auto answer = machine().program().line(5s);

    EXPECT_EQ(answer.value_or("nothing"), "hello");
}

TEST_P(TheHostDirectory, C8_UnixExportFollowsNoLinksAndHoldsNoPrograms) {
    boot();

    EXPECT_THAT(seen_mount(ask("mount-at /run/host/unix-export")).options,
                IsSupersetOf({"rw", "nosuid", "nodev", "noexec", "nosymfollow"}));
}

TEST_P(TheHostDirectory, C12_DoesNotHoldTheHostsRoot) {
    boot();

    EXPECT_EQ(ask("stat /run/host/root"), "!ENOENT");
}

TEST_P(TheHostDirectory, C15_IsReadOnly) {
    boot();

    EXPECT_THAT(seen_mount(ask("mount-at /run/host")).options, IsSupersetOf({"ro", "nosuid", "nodev", "noexec"}));
    EXPECT_THAT(ask("stat /run/host"), StartsWith("dir 0755"));
    EXPECT_EQ(ask("create /run/host/x"), "!EROFS");
    EXPECT_EQ(ask("unlink /run/host/container-manager"), "!EROFS");
    EXPECT_EQ(ask("chmod /run/host/os-release 0777"), "!EROFS");
}

TEST_P(TheHostDirectory, C15_StaysReadOnlyForAMachineWithItsOwnUsers) {
    if (!GetParam().own_users)
        GTEST_SKIP() << "host root may undo what host root mounted";
    boot();

    EXPECT_EQ(ask("remount-writable /run/host"), "!EPERM");
    EXPECT_EQ(ask("remount-writable /sys"), "!EPERM");
    EXPECT_THAT(ask("unmount /run/host"), AnyOf("!EINVAL", "!EPERM"));
    EXPECT_THAT(ask("unmount /dev"), AnyOf("!EINVAL", "!EPERM"));
}

TEST_P(TheHostDirectory, H1_CredentialsAreForRootOnlyAndReadOnly) {
    const Path file = tree.workplace().file("password", "long\nsecret");
    boot({"--set-credential=word:a\\tb", "--load-credential=file:" + file.string()});

    EXPECT_EQ(ask("cat /run/host/credentials/word"), "a\tb");
    EXPECT_EQ(ask("cat /run/host/credentials/file"), "long\nsecret");
    EXPECT_EQ(ask("stat /run/host/credentials"), "dir 0500 0:0 0:0");
    EXPECT_EQ(ask("stat /run/host/credentials/word"), "reg 0400 0:0 0:0");
    EXPECT_EQ(ask("as 1000 cat /run/host/credentials/word"), "!EACCES");
    EXPECT_EQ(ask("filesystem /run/host/credentials"), "ramfs");
    EXPECT_EQ(ask("create /run/host/credentials/x"), "!EROFS");
    EXPECT_THAT(seen_mount(ask("mount-at /run/host/credentials")).options,
                IsSupersetOf({"ro", "nosuid", "nodev", "noexec"}));
}

TEST_P(TheHostDirectory, H1_RefusesCredentialsThatAreTooLarge) {
    const Path file = tree.workplace().file("large", std::string((1 << 20) + 1, 'x'));

    const Outcome outcome = outcome_of(as_this_way({"--load-credential=large:" + file.string()}));

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("large"));
}

TEST_P(TheHostDirectory, H2_CredentialsOfTheServiceAreHandedOn) {
    tree.workplace().directory("service-credentials", 0700);
    tree.workplace().file("service-credentials/token", "from the service");
    Start start = as_this_way({"--load-credential=inside:token"});
    start.environment = {"CREDENTIALS_DIRECTORY=" + (tree.workplace().path() / "service-credentials").string()};
    this->start(start);

    EXPECT_EQ(ask("cat /run/host/credentials/inside"), "from the service");
}

TEST_P(TheHostDirectory, H2_CredentialsCanComeFromASocket) {
    const std::string path = (tree.workplace().path() / "socket").string();
    const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(server, 1), 0);

    boot({"--load-credential=inside:" + path});
    const int peer = ::accept4(server, nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_EQ(::send(peer, "from a socket", 13, MSG_NOSIGNAL), 13);
    ::close(peer);
    ::close(server);

    EXPECT_EQ(ask("cat /run/host/credentials/inside"), "from a socket");
}

TEST_P(TheHostDirectory, H3_CredentialsForAnotherUserNeedNoNewPrivileges) {
    const Outcome refused = outcome_of(as_this_way({"--set-credential=a:b", "--uid=1000"}));
    EXPECT_EQ(refused.status, 1);

    boot({"--set-credential=a:b", "--uid=1000", "--no-new-privileges=yes"});
    EXPECT_EQ(ask("cat /run/host/credentials/a"), "b");
}

} // namespace machinist::test
