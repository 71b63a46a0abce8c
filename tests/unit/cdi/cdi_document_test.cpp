// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cdi/cdi_document.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace machinist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

// edits: of the device "0"; all: of every device.
std::string spec_with(const std::string& edits, const std::string& all = "") {
    return R"({"cdiVersion": "0.6.0", "kind": "acme.com/engine", "devices": [{"name": "0", "containerEdits": {)" +
           edits + R"(}}, {"name": "1", "containerEdits": {"env": ["ONE=1"]}}], "containerEdits": {)" + all + "}}";
}

CdiSpec read(const std::string& text, const char* file = "/etc/cdi/acme.json", std::size_t rank = 0) {
    return read_cdi_spec(text, file, rank);
}

std::vector<CdiName> named(const std::vector<std::string>& texts) {
    std::vector<CdiName> names;
    for (const std::string& text : texts)
        names.push_back(parse_cdi_name(text).value_or(CdiName{}));
    return names;
}

CdiPart composed(const std::vector<std::string>& names, const std::vector<CdiSpec>& specs) {
    return compose_cdi(named(names), specs);
}

std::string told(const Problems& problems) {
    std::string all;
    for (const Problem& problem : problems)
        all += text_of(problem) + "\n";
    return all;
}

CdiPart engine(const std::string& edits, const std::string& all = "") {
    return composed({"acme.com/engine=0"}, {read(spec_with(edits, all))});
}

} // namespace

TEST(CdiDevices, AreListedByNameWithTheFileThatWins) {
    const std::vector<CdiSpec> specs{read(spec_with("")), read("{}", "/etc/cdi/broken.json"),
                                     read(R"({"cdiVersion": "0.6.0", "kind": "acme.com/engine",
                                              "devices": [{"name": "1"}, {"name": "all"}]})",
                                          "/var/run/cdi/acme.json", 1)};

    EXPECT_THAT(cdi_devices(specs), ElementsAre(Pair("acme.com/engine=0", "/etc/cdi/acme.json"),
                                                Pair("acme.com/engine=1", "/var/run/cdi/acme.json"),
                                                Pair("acme.com/engine=all", "/var/run/cdi/acme.json")));
}

TEST(ACdiName, IsVendorClassAndDevice) {
    const auto name = parse_cdi_name("nvidia.com/gpu=GPU-4cf8db2d:0");

    ASSERT_TRUE(name);
    EXPECT_EQ(name->kind, "nvidia.com/gpu");
    EXPECT_EQ(name->device, "GPU-4cf8db2d:0");
    EXPECT_TRUE(parse_cdi_name("a/b=0"));
    for (const char* text : {"", "=", "a/b", "a/b=", "a=0", "/b=0", "a/=0", "1a/b=0", "a/1b=0", "a./b=0", "a/b-=0",
                             "a/b=-0", "a/b=0:", "a/b=0/1", "a/b/c=0", "a/b=0=1", "a b/c=0", "a/b=\x80"})
        EXPECT_FALSE(parse_cdi_name(text)) << text;
    EXPECT_FALSE(parse_cdi_name("a/b=" + std::string(300, 'x')));
}

TEST(ACdiSpec, BringsNodesMountsVariablesAndGroups) {
    const CdiPart part = engine(
        R"("deviceNodes": [{"path": "/dev/engine0", "hostPath": "/dev/null", "permissions": "rw", "uid": 4, "gid": 5,
                            "fileMode": 432, "type": "c", "major": 1, "minor": 3}, {"path": "/dev/kvm"}],
           "mounts": [{"hostPath": "/usr/lib/engine", "containerPath": "/opt/engine", "options": ["ro", "rbind"]}],
           "env": ["ENGINE=0"], "additionalGids": [44])");

    EXPECT_EQ(told(part.problems) + told(part.warnings), "");
    ASSERT_THAT(part.edits.devices, SizeIs(2));
    const DeviceSpec& node = part.edits.devices[0];
    EXPECT_EQ(node.path, "/dev/engine0");
    EXPECT_EQ(node.host_path(), "/dev/null");
    EXPECT_EQ(node.access, "rw");
    EXPECT_EQ(node.user, 4U);
    EXPECT_EQ(node.group, 5U);
    EXPECT_EQ(node.mode, 0660U);
    EXPECT_EQ(part.edits.devices[1].host_path(), "/dev/kvm");
    EXPECT_EQ(part.edits.devices[1].access, "rwm");
    ASSERT_THAT(part.edits.mounts, SizeIs(1));
    EXPECT_EQ(part.edits.mounts[0].source.path, "/usr/lib/engine");
    EXPECT_EQ(part.edits.mounts[0].destination, "/opt/engine");
    EXPECT_TRUE(part.edits.mounts[0].read_only);
    EXPECT_TRUE(part.edits.mounts[0].recursive);
    EXPECT_THAT(part.edits.environment, ElementsAre("ENGINE=0"));
    EXPECT_THAT(part.edits.groups, ElementsAre(44));
}

TEST(ACdiSpec, BringsWhatIsOfAllItsDevicesOnce) {
    const CdiPart part = composed({"acme.com/engine=0", "acme.com/engine=1", "acme.com/engine=0"},
                                  {read(spec_with(R"("env": ["ZERO=0"])", R"("env": ["ALL=1"])"))});

    EXPECT_THAT(part.edits.environment, ElementsAre("ALL=1", "ZERO=0", "ONE=1"));
}

TEST(ACdiSpec, MountsWhatTwoDevicesBringOnce) {
    const std::string mount = R"("mounts": [{"hostPath": "/usr/lib/engine", "containerPath": "/opt/engine"}])";

    EXPECT_THAT(engine(mount, mount).edits.mounts, SizeIs(1));
}

TEST(ACdiSpec, HasHooksThatAreToldAndNotRun) {
    const CdiPart part = engine(R"("hooks": [{"hookName": "createContainer", "path": "/usr/bin/nvidia-cdi-hook",
                                              "args": ["nvidia-cdi-hook", "update-ldcache", "--folder", "/lib"]}])");

    EXPECT_THAT(part.problems, IsEmpty());
    EXPECT_EQ(told(part.warnings), "/etc/cdi/acme.json: 'devices[0].containerEdits.hooks[0].hookName' is not run: "
                                   "'update-ldcache --folder /lib' of '/usr/bin/nvidia-cdi-hook'\n");
}

TEST(ACdiSpec, OfAHigherDirectoryWins) {
    const CdiSpec low = read(spec_with(R"("env": ["FROM=low"])"), "/etc/cdi/a.json", 0);
    const CdiSpec high = read(spec_with(R"("env": ["FROM=high"])"), "/var/run/cdi/a.json", 1);

    EXPECT_THAT(composed({"acme.com/engine=0"}, {low, high}).edits.environment, ElementsAre("FROM=high"));
}

TEST(ACdiSpec, ThatSaysTheSameAsAnotherBesideItIsRefused) {
    const CdiPart part = composed({"acme.com/engine=0"}, {read(spec_with("")), read(spec_with(""), "/etc/cdi/b.json")});

    EXPECT_EQ(told(part.problems),
              "--device: 'acme.com/engine=0' is both in '/etc/cdi/acme.json' and '/etc/cdi/b.json'\n");
}

TEST(ACdiSpec, WithoutTheDeviceSaysWhichItHas) {
    const CdiPart part = composed({"acme.com/engine=7"}, {read(spec_with(""))});

    EXPECT_EQ(told(part.problems), "--device: 'acme.com/engine=7' is in no file of /etc/cdi and /var/run/cdi; try "
                                   "acme.com/engine=0, acme.com/engine=1\n");
}

TEST(ACdiSpec, ThatIsOfNoUseIsToldIfItCouldHaveHadTheDevice) {
    const CdiSpec broken = read("{", "/etc/cdi/broken.json");

    EXPECT_THAT(told(composed({"acme.com/engine=7"}, {broken}).problems), HasSubstr("/etc/cdi/broken.json is no JSON"));
    EXPECT_THAT(composed({"acme.com/engine=0"}, {broken, read(spec_with(""))}).problems, IsEmpty());
}

TEST(ACdiSpec, WhoseDevicesAreNotToBeHadHarmsOnlyThem) {
    const CdiSpec spec = read(spec_with(R"("deviceNodes": [{"path": "/etc/passwd"}])"));

    EXPECT_THAT(told(composed({"acme.com/engine=0"}, {spec}).problems), HasSubstr("is no path below /dev"));
    EXPECT_THAT(composed({"acme.com/engine=1"}, {spec}).problems, IsEmpty());
}

TEST(ACdiSpec, ThatIsHostileIsRefusedByItsPlace) {
    const std::vector<std::pair<const char*, const char*>> cases{
        {R"("deviceNodes": [{"path": "/dev/../etc/x"}])", "deviceNodes[0].path"},
        {R"("deviceNodes": [{"path": "/dev/x", "hostPath": "relative"}])", "deviceNodes[0].hostPath"},
        {R"("deviceNodes": [{"path": "/dev/x", "type": "p"}])", "deviceNodes[0].type"},
        {R"("deviceNodes": [{"path": "/dev/x", "permissions": "rwx"}])", "deviceNodes[0].permissions"},
        {R"("deviceNodes": [{"path": "/dev/x", "uid": 4294967295}])", "deviceNodes[0].uid"},
        {R"("deviceNodes": [{"path": "/dev/x", "uid": -1}])", "deviceNodes[0].uid"},
        {R"("deviceNodes": [7])", "deviceNodes[0]"},
        {R"("deviceNodes": {})", "deviceNodes"},
        {R"("mounts": [{"hostPath": "/x", "containerPath": "/"}])", "mounts[0].containerPath"},
        {R"("mounts": [{"hostPath": "/x"}])", "mounts[0].containerPath"},
        {R"("mounts": [{"hostPath": "/x", "containerPath": "/y", "options": ["suid,dev"]}])", "mounts[0].options"},
        {R"("mounts": [{"hostPath": "/x", "containerPath": "/y", "type": "proc"}])", "mounts[0].type"},
        {R"("env": ["=x"])", "env"},
        {R"("env": ["A\u0000=x"])", "env"},
        {R"("additionalGids": [4294967295])", "additionalGids"},
        {R"("netDevices": [{"hostInterfaceName": "eth0", "name": "eth0"}])", "netDevices"}};
    for (const auto& [edits, place] : cases)
        EXPECT_THAT(told(engine(edits).problems), HasSubstr(place)) << edits;
}

TEST(ACdiSpec, ThatIsNoneIsOfNoUse) {
    const std::vector<std::pair<std::string, const char*>> cases{
        {"", "is no JSON"},
        {"[]", "is no JSON object"},
        {"{}", "'cdiVersion' is none of"},
        {R"({"cdiVersion": "2.0.0", "kind": "a/b", "devices": [{"name": "0"}]})", "'cdiVersion' is none of"},
        {R"({"cdiVersion": "0.6.0", "kind": "a/b/c", "devices": [{"name": "0"}]})", "'kind' is not"},
        {R"({"cdiVersion": "0.6.0", "kind": "a/b", "devices": []})", "'devices' has none"},
        {R"({"cdiVersion": "0.6.0", "kind": "a/b", "devices": [{"name": "../0"}]})", "'devices[0].name' is no name"},
        {R"({"cdiVersion": "0.6.0", "kind": "a/b", "devices": [{"name": "0"}, {"name": "0"}]})", "is there twice"},
        {std::string(100000, '['), "is nested too deeply"}};
    for (const auto& [text, sentence] : cases)
        EXPECT_THAT(told(read(text).problems), HasSubstr(sentence)) << text.substr(0, 100);
}

} // namespace machinist
