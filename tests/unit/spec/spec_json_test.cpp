// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/spec_json.hpp"

#include "base/failure.hpp"
#include "requests.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::HasSubstr;
using ::testing::Not;

namespace {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    if (at == std::string::npos)
        ADD_FAILURE() << from << " is not in " << text;
    else
        text.replace(at, from.size(), to);
    return text;
}

// Every member has a value that is not its default.
MachineSpec a_spec_with_everything() {
    Decision decision = machinist_run({"-xb",
                                       "-q",
                                       "-M",
                                       "web",
                                       "--hostname=inner",
                                       "--layer=disk",
                                       "--volatile=overlay",
                                       "--template=/t",
                                       "--pivot-root=/new:/old",
                                       "--private-users=655360:131072",
                                       "--private-users-ownership=off",
                                       "--private-network",
                                       "--network-zone=lan",
                                       "--network-veth-extra=ext:int",
                                       "--network-macvlan=eth0",
                                       "--network-ipvlan=eth1:iv",
                                       "--network-interface=eth2",
                                       "--network-address=192.0.2.7/24",
                                       "--network-address=2001:db8::7/64",
                                       "--network-gateway=192.0.2.1",
                                       "--network-dns=2001:db8::1",
                                       "--port=udp:5000-5009:6000",
                                       "--bind=+/a:/b:norbind,idmap",
                                       "--tmpfs=/c:size=1%",
                                       "--overlay=/l:/m:/u:/d",
                                       "--overlay=/l::/e",
                                       "--inaccessible=/f",
                                       "A=1",
                                       "word",
                                       "--uid=0",
                                       "--chdir=/tmp",
                                       "--capability=CAP_BPF",
                                       "--system-call-filter=bpf",
                                       "--system-call-filter=~mount",
                                       "--suppress-sync=yes",
                                       "--restrict-address-families=~AF_VSOCK",
                                       "--no-new-privileges=yes",
                                       "--rlimit=CPU=5:infinity",
                                       "--oom-score-adjust=-5",
                                       "--cpu-affinity=0,2",
                                       "--personality=x86",
                                       "--notify-ready=yes",
                                       "--set-credential=a:b",
                                       "--console=passive",
                                       "--background=44",
                                       "--register=yes",
                                       "--keep-unit"});
    // Words end the options: the two go last.
    auto& words = decision.words;
    std::erase(words, "A=1");
    std::erase(words, "word");
    std::erase(words, "--template=/t");
    words.insert(words.end(), {"A=1", "word"});
    MachineSpec spec = decision.spec();
    spec.root.make_from = "/t";
    spec.root.disk = DiskSpec{.sector_size = 4096,
                              .mounts = {{.name = "partition 1 (esp)",
                                          .places = {"/efi", "/boot"},
                                          .offset = 1 << 20,
                                          .size = std::uint64_t{1} << 40,
                                          .filesystem = "vfat",
                                          .read_only = true,
                                          .grows = true,
                                          .protection = DiskProtection::verity,
                                          .verity = DiskVerity{.root_hash = "00ff",
                                                               .signature = std::string{"\0\xff", 2},
                                                               .tree_file = "/images/web.verity",
                                                               .tree_offset = 512,
                                                               .tree_size = 4096},
                                          .may_hold = {"ext4"}}},
                              .owner_uid = 655360,
                              .owner_gid = 655361};
    // Which exclude --keep-unit.
    spec.slice = "mine.slice";
    spec.unit_properties = {"MemoryMax=1G"};
    spec.credentials.push_back({"binary", std::string{"\0\xff\xfe", 3}});
    spec.payload.arguments.emplace_back("\xff not text");
    spec.payload.terminal_extras = {"COLORTERM=truecolor"};
    spec.capabilities.ambient = 5;
    spec.integration.link_journal = LinkJournalMode::guest;
    spec.integration.link_journal_may_fail = false;
    spec.integration.forwarded_journal = JournalForwarding{.output = "/var/log/web.journal",
                                                           .max_use = std::uint64_t{1} << 30,
                                                           .keep_free = 4096,
                                                           .max_file_size = 65536,
                                                           .max_files = 7};
    spec.shared = {true, true, true};
    spec.clocks = ClockSpec{{-1, 5}, {std::int64_t{1} << 40, 0}};
    spec.resources.scheduler = SchedulerSpec{.policy = 6,
                                             .flags = 1,
                                             .nice = -3,
                                             .priority = 9,
                                             .runtime = 1,
                                             .deadline = std::uint64_t{1} << 40,
                                             .period = std::uint64_t{1} << 41};
    spec.resources.io_priority = IoPrioritySpec{2, 7};
    spec.resources.memory_policy = MemoryPolicySpec{2, 1U << 15, {0, 3}};
    spec.syscall_filter.rules =
        SyscallRules{.otherwise = {SyscallAction::refuse, 13},
                     .rules = {{.calls = {"read", "write"},
                                .answer = {SyscallAction::kill_process, 0},
                                .conditions = {{5, Comparison::masked_equal, UINT64_MAX, std::uint64_t{1} << 63}}}}};
    spec.network.interfaces_as_they_were = true;
    spec.domainname = "domain";
    spec.sysctls = {"net.core.somaxconn=64"};
    spec.payload.groups = {4, 5};
    spec.payload.umask = 077;
    spec.extra_mounts.front().attributes = 2;
    spec.extra_mounts.front().owner_map = OwnerMap{{{0, 1000, 1}}, {{0, 100, 65536}}, false};
    spec.extra_mounts.back().may_be_missing = true;
    spec.tmpfs_on_tmp = spec.cgroup_namespace = spec.lock_image = spec.syscall_filter.enabled = false;
    spec.api_writable = ApiWritable::network;
    // What excludes the rest of it on a command line.
    spec.network.namespace_path = "/run/netns/a";
    spec.network.bridge = "br0";
    spec.network.veth_mac = MacAddress::parse("02:00:00:00:00:07");
    spec.nesting = true;
    spec.users.nested_ranges = 2;
    spec.users.nested_bases = {786432, 1048576};
    spec.users.owner = PlainUser{.uid = 1000, .gid = 100};
    return spec;
}

std::string complaint_about(const std::string& text) {
    try {
        (void)spec_from_json(text);
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), FailureKind::invalid);
        return failure.what();
    }
    return "nothing";
}

} // namespace

TEST(ASpec, IsReadBackFromItsJsonExactly) {
    for (const MachineSpec& spec : {MachineSpec{}, nspawn({"ls"}).spec(), a_spec_with_everything()}) {
        const std::string text = to_json(spec);
        const MachineSpec read = spec_from_json(text);
        EXPECT_EQ(to_json(read), text);
    }
}

TEST(ASpec, KeepsEachValueOnItsWayThroughJson) {
    const MachineSpec spec = a_spec_with_everything();
    const MachineSpec read = spec_from_json(to_json(spec));
    EXPECT_EQ(read.name, spec.name);
    EXPECT_EQ(read.id, spec.id);
    EXPECT_EQ(read.manner, Manner::machinist);
    EXPECT_EQ(read.root.layer, LayerKind::disk);
    EXPECT_EQ(read.root.pivot_old, "/old");
    EXPECT_EQ(read.users.size, 131072U);
    EXPECT_EQ(read.network.namespace_path, spec.network.namespace_path);
    EXPECT_EQ(read.network.veth_mac, spec.network.veth_mac);
    EXPECT_EQ(read.network.zone, "lan");
    EXPECT_EQ(read.network.ipvlans, spec.network.ipvlans);
    EXPECT_EQ(read.network.addresses, spec.network.addresses);
    EXPECT_EQ(read.network.name_servers, spec.network.name_servers);
    EXPECT_EQ(read.network.ports, spec.network.ports);
    EXPECT_TRUE(read.nesting);
    EXPECT_EQ(read.clocks, spec.clocks);
    EXPECT_EQ(read.resources.scheduler, spec.resources.scheduler);
    EXPECT_EQ(read.resources.io_priority, spec.resources.io_priority);
    EXPECT_EQ(read.resources.memory_policy, spec.resources.memory_policy);
    ASSERT_TRUE(read.syscall_filter.rules && read.extra_mounts.front().owner_map);
    EXPECT_EQ(read.syscall_filter.rules->otherwise, spec.syscall_filter.rules->otherwise);
    EXPECT_EQ(read.syscall_filter.rules->rules.at(0).conditions, spec.syscall_filter.rules->rules[0].conditions);
    EXPECT_EQ(read.extra_mounts.front().owner_map->groups, spec.extra_mounts.front().owner_map->groups);
    EXPECT_EQ(read.users.nested_ranges, 2U);
    EXPECT_EQ(read.users.nested_bases, spec.users.nested_bases);
    EXPECT_EQ(read.users.owner, spec.users.owner);
    EXPECT_EQ(read.extra_mounts.size(), 5U);
    EXPECT_EQ(read.extra_mounts[0].id_mapping, IdMapping::same);
    EXPECT_TRUE(read.extra_mounts[3].upper->is_temporary());
    EXPECT_EQ(read.payload.arguments, spec.payload.arguments);
    EXPECT_EQ(read.capabilities.bounding, spec.capabilities.bounding);
    EXPECT_EQ(read.resources.limits, spec.resources.limits);
    EXPECT_EQ(read.resources.cpu_affinity, spec.resources.cpu_affinity);
    EXPECT_EQ(read.kill_signal, spec.kill_signal);
    EXPECT_FALSE(read.syscall_filter.address_families->allow_listed);
    EXPECT_EQ(read.credentials[1].value, spec.credentials[1].value);
}

TEST(AStoredSpec, IsRefusedWithTheNameOfWhatIsWrong) {
    const std::string good = to_json(nspawn({"ls"}).spec());
    EXPECT_EQ(complaint_about(good), "nothing");
    EXPECT_THAT(complaint_about("{"), HasSubstr("it is no JSON"));
    EXPECT_THAT(complaint_about("[]"), HasSubstr("is no object"));
    EXPECT_THAT(complaint_about(replaced(good, "\"name\":\"web\",", "")), HasSubstr("'name' is missing"));
    EXPECT_THAT(complaint_about(replaced(good, "\"web\"", "\"../web\"")), HasSubstr("'name' is no name of a machine"));
    EXPECT_THAT(complaint_about(replaced(good, "\"base\":0", "\"base\":4294967296")),
                HasSubstr("'users.base' is no integer in its range"));
    EXPECT_THAT(complaint_about(replaced(good, "\"base\":0", "\"base\":-1")), HasSubstr("'users.base'"));
    EXPECT_THAT(complaint_about(replaced(good, "\"volatile\":\"no\"", "\"volatile\":\"maybe\"")),
                HasSubstr("'root.volatile' is none of the values"));
    EXPECT_THAT(complaint_about(replaced(good, "\"resource\":\"CPU\"", "\"resource\":\"X\"")),
                HasSubstr("'resources.limits[0].resource' is no resource"));
    EXPECT_THAT(complaint_about(replaced(good, "[\"ls\"]", "[{\"base64\":\"!\"}]")),
                HasSubstr("'payload.arguments[0]' is no text"));
}

TEST(AStoredSpec, OfAnEarlierVersionHasTheDefaultsOfWhatThatDidNotKnow) {
    MachineSpec spec = nspawn({"ls"}).spec();
    spec.lock_image = false;
    spec.domainname = "domain";
    const std::string text = to_json(spec);
    const std::string earlier =
        replaced(replaced(text, "\"lock-image\":false", "\"a\":1"), "\"domainname\":\"domain\",", "");
    ASSERT_EQ(earlier.find("lock-image"), std::string::npos);
    ASSERT_EQ(earlier.find("domainname"), std::string::npos);

    const MachineSpec read = spec_from_json(earlier);

    EXPECT_TRUE(read.lock_image);
    EXPECT_EQ(read.domainname, MachineSpec{}.domainname);
    EXPECT_EQ(read.name.text(), "web");
}

TEST(ADryRun, ShowsSpecAndPlanButNoCredential) {
    MachineSpec spec = nspawn({"--set-credential=key:geheim", "ls"}).spec();
    const std::string text = dry_run_json(spec, plan_mounts(spec));
    EXPECT_THAT(text, HasSubstr("\"spec\": {"));
    EXPECT_THAT(text, HasSubstr("\"target\": \"/dev\""));
    EXPECT_THAT(text, HasSubstr("\"attributes\": \"nosuid,nodev,noexec\""));
    EXPECT_THAT(text, HasSubstr("\"name\": \"key\""));
    EXPECT_THAT(text, Not(HasSubstr("geheim")));
}

} // namespace machinist
