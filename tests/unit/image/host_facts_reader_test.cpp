// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/host_facts_reader.hpp"

#include "temporary_directory.hpp"

#include <cstdlib>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace machinist;
using machinist::testing::TemporaryDirectory;

TEST(FactsOfTheHost, AreThoseOfThisProcess) {
    ::setenv("MACHINIST_TEST_VARIABLE", "a=b", 1);

    const auto facts = read_host_facts();

    EXPECT_EQ(facts.caller_uid, ::geteuid());
    EXPECT_EQ(facts.working_directory, std::filesystem::current_path());
    EXPECT_EQ(facts.environment.at("MACHINIST_TEST_VARIABLE"), "a=b");
    char name[256]{};
    ::gethostname(name, sizeof name - 1);
    EXPECT_EQ(facts.hostname, name);
    EXPECT_GE(facts.cpu_count, 1);
    EXPECT_GE(facts.nr_open, 1024U);
    EXPECT_GE(facts.pid1_nproc_hard, facts.pid1_nproc_soft);
    ::unsetenv("MACHINIST_TEST_VARIABLE");
}

TEST(FactsOfTheHost, KnowOnlyCapabilitiesThatTheKernelHas) {
    const auto set = read_host_facts().bounding_capabilities;

    EXPECT_EQ(set >> 48, 0U);
}

TEST(FactsOfTheHost, ComeFromTheGivenRoot) {
    const TemporaryDirectory root;
    root.write("etc/os-release", "ID=debian\n");
    root.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    root.write("etc/resolv.conf", "nameserver 192.0.2.1\n");
    root.write("usr/share/zoneinfo/Europe/Berlin", "TZif2");
    root.link("../usr/share/zoneinfo/Europe/Berlin", "etc/localtime");
    root.make_directory("var/log/journal/0123456789abcdef0123456789abcdef");

    const auto facts =
        read_host_facts({.machine = MachineId::parse("0123456789abcdef0123456789abcdef"), .root = root.path()});

    EXPECT_EQ(facts.os_release.at("ID"), "debian");
    EXPECT_EQ(facts.machine_id->plain(), "0123456789abcdef0123456789abcdef");
    EXPECT_TRUE(facts.has_resolv_conf);
    EXPECT_TRUE(facts.has_localtime);
    EXPECT_TRUE(facts.localtime_is_symlink);
    EXPECT_EQ(facts.timezone_name, "Europe/Berlin");
    EXPECT_TRUE(facts.journal_directory_of_machine);
}

TEST(FactsOfTheHost, TellWhatIsMissing) {
    const TemporaryDirectory root;

    const auto facts = read_host_facts({.root = root.path()});

    EXPECT_TRUE(facts.os_release.empty());
    EXPECT_FALSE(facts.machine_id);
    EXPECT_FALSE(facts.has_resolv_conf);
    EXPECT_FALSE(facts.has_localtime);
    EXPECT_FALSE(facts.journal_directory_of_machine);
}

TEST(FactsOfTheHost, NeedMoreThanAFileToBelieveInTheStubResolver) {
    const TemporaryDirectory root;
    root.write("run/systemd/resolve/stub-resolv.conf", "nameserver 127.0.0.53\n");
    root.write("proc/net/udp", "  sl  local_address rem_address\n  1: 0100007F:0035 00000000:0000 07\n");
    EXPECT_FALSE(read_host_facts({.root = root.path()}).resolved_stub);

    root.write("proc/net/udp", "  sl  local_address rem_address\n  1: 3500007F:0035 00000000:0000 07\n");
    EXPECT_TRUE(read_host_facts({.root = root.path()}).resolved_stub);
}
