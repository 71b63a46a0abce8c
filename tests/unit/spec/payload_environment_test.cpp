// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/payload_environment.hpp"

#include "requests.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

TEST(ThePayloadsEnvironment, HasExactlyTheVariablesOfNspawnInItsOrder) {
    EXPECT_THAT(payload_environment(nspawn({"ls"}).spec(), {}),
                ElementsAre("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                            "container=systemd-nspawn", "TERM=dumb", "HOME=/root", "USER=root", "LOGNAME=root",
                            "container_uuid=cccccccc-cccc-cccc-cccc-cccccccccccc", "NOTIFY_SOCKET=/run/host/notify",
                            "LANG=C.UTF-8", "container_host_id=debian", "container_host_version_id=12"));
}

TEST(ThePayloadsEnvironment, TellsOfSocketsCredentialsAndTheTerminal) {
    Decision decision = nspawn({"-b", "--set-credential=a:b"});
    decision.host.stdin_is_terminal = decision.host.stdout_is_terminal = true;
    decision.host.environment["COLORTERM"] = "truecolor";
    const auto environment = payload_environment(decision.spec(), {"root", "/root", 2});
    for (const char* expected : {"TERM=xterm", "COLORTERM=truecolor", "LISTEN_FDS=2", "LISTEN_PID=1",
                                 "CREDENTIALS_DIRECTORY=/run/host/credentials"})
        EXPECT_THAT(environment, Contains(expected));
    EXPECT_THAT(environment, Not(Contains("LANG=C.UTF-8"))); // an init sets its own
}

TEST(ThePayloadsEnvironment, IsOverriddenByTheAdministrator) {
    const auto environment =
        payload_environment(nspawn({"-E", "HOME=/x", "-E", "container=", "-E", "NEW=1", "ls"}).spec(), {});
    EXPECT_THAT(environment, Contains("HOME=/x"));
    EXPECT_THAT(environment, Not(Contains("HOME=/root")));
    EXPECT_THAT(environment, Contains("container="));
    EXPECT_EQ(environment.back(), "NEW=1");
}

TEST(ThePayloadsEnvironment, IsThatOfItsUser) {
    const auto environment = payload_environment(nspawn({"ls"}).spec(), {"builder", "/home/builder", 0});
    EXPECT_THAT(environment, Contains("HOME=/home/builder"));
    EXPECT_THAT(environment, Contains("LOGNAME=builder"));
}

TEST(TheStubInitsEnvironment, IsOnlyWhatTellsWhereItIs) {
    EXPECT_THAT(stub_init_environment(nspawn({"-a", "ls"}).spec()),
                ElementsAre("container=systemd-nspawn", "container_uuid=cccccccccccccccccccccccccccccccc"));
}

} // namespace machinist
