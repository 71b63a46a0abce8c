// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/machine_record.hpp"

#include <gtest/gtest.h>

namespace machinist {

namespace {

MachineRecord a_record() {
    MachineRecord record;
    record.name = *MachineName::parse("m1");
    record.scope = "machine-m1.scope";
    record.service = "test";
    record.leader = 265;
    record.leader_pidfd_id = 165534;
    record.supervisor = 266;
    record.supervisor_pidfd_id = 165535;
    record.realtime = 1795316058298099;
    record.monotonic = 2968107355;
    return record;
}

} // namespace

TEST(AMachineRecord, IsWrittenAsMachinedWritesIt) {
    EXPECT_EQ(write_machine_record(a_record()), "# This is private data. Do not parse.\n"
                                                "NAME=m1\n"
                                                "UID=0\n"
                                                "SCOPE=machine-m1.scope\n"
                                                "SERVICE=test\n"
                                                "LEADER=265\n"
                                                "LEADER_PIDFDID=165534\n"
                                                "SUPERVISOR=266\n"
                                                "SUPERVISOR_PIDFDID=165535\n"
                                                "CLASS=container\n"
                                                "REALTIME=1795316058298099\n"
                                                "MONOTONIC=2968107355\n"
                                                "VSOCK_CID=4294967295\n");
}

TEST(AMachineRecord, WritesInterfacesWithALeadingBlank) {
    MachineRecord record = a_record();
    record.network_interfaces = {2, 5};

    EXPECT_NE(write_machine_record(record).find("\nNETIF=\" 2 5\"\n"), std::string::npos);
}

TEST(AMachineRecord, ComesBackAsItWasWritten) {
    MachineRecord record = a_record();
    record.id = MachineId::parse("0123456789abcdef0123456789abcdef");
    record.network_interfaces = {7, 12};
    record.vsock_cid = 4;
    record.ssh_address = "vsock/4";
    record.run_directory = "/run/machinist/machines/m1";

    EXPECT_EQ(parse_machine_record(write_machine_record(record)), record);
}

TEST(AMachineRecord, KeepsHostileTextInsideItsValue) {
    for (const std::string text : {"a\nLEADER=1\n", "a\"\nLEADER=1", "$(reboot)`id`", "\\", "a\\\"b", " x ", "#", "'",
                                   "\t", "a b=c", "\r\n", "\xff\xfe"}) {
        MachineRecord record = a_record();
        record.root = text;
        record.service = text;

        const auto read = parse_machine_record(write_machine_record(record));

        ASSERT_TRUE(read) << text;
        EXPECT_EQ(*read, record) << text;
    }
}

TEST(AMachineRecord, CutsAValueAtItsFirstZeroByte) {
    MachineRecord record = a_record();
    record.root = std::string{"/srv\0\nLEADER=1", 14};

    const auto read = parse_machine_record(write_machine_record(record));

    ASSERT_TRUE(read);
    EXPECT_EQ(read->root, "/srv");
    EXPECT_EQ(read->leader, 265);
}

TEST(AMachineRecord, ReadsWhatOlderProgramsWrote) {
    const auto read = parse_machine_record("# This is private data. Do not parse.\nNAME=old\nNETIF= 3 4\nLEADER=12\n"
                                           "CLASS=vm\nSTRANGE=1\nno assignment\n");

    ASSERT_TRUE(read);
    EXPECT_EQ(read->name.text(), "old");
    EXPECT_EQ(read->network_interfaces, (std::vector{3, 4}));
    EXPECT_EQ(read->machine_class, "vm");
    EXPECT_EQ(read->leader_pidfd_id, 0u);
}

TEST(AMachineRecord, IsNothingWithoutAValidNameOrLeader) {
    for (const char* text :
         {"", "NAME=a\n", "LEADER=3\n", "NAME=../x\nLEADER=3\n", "NAME=a\nLEADER=-3\n", "NAME=a\nLEADER=0\n",
          "NAME=a\nLEADER=3x\n", "NAME=a\nLEADER=99999999999\n", "NAME=a\nLEADER=3\nROOT=\"open"})
        EXPECT_FALSE(parse_machine_record(text)) << text;
}

TEST(AMachineRecord, IsNothingBeyondItsLimit) {
    std::string text = "NAME=a\nLEADER=3\n#";
    text.append(machine_record_limit, 'x');

    EXPECT_FALSE(parse_machine_record(text));
}

} // namespace machinist
