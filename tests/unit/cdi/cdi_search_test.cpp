// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cdi/cdi_search.hpp"

#include "base/own_programs.hpp"
#include "unit/temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::TemporaryDirectory;

constexpr const char* json = R"({"cdiVersion": "1.0.0", "kind": "acme.com/engine", "devices": [{"name": "0"}]})";
constexpr const char* yaml = R"(---
cdiVersion: 0.5.0
kind: acme.com/engine
devices:
- name: "1"
  containerEdits:
    deviceNodes:
    - path: /dev/engine1
      hostPath: /dev/null
      fileMode: 0600
    env:
    - ENGINE=one
)";

class CdiFiles : public ::testing::Test {
protected:
    [[nodiscard]] std::vector<CdiSpec> specs() const {
        const std::vector<std::filesystem::path> directories{directory.path() / "low", directory.path() / "high"};
        return read_cdi_specs(directories);
    }
    // What is wrong with the only file.
    [[nodiscard]] std::string complaint() const {
        const auto found = specs();
        return found.size() == 1 && found[0].problems.size() == 1 ? text_of(found[0].problems[0]) : "no complaint";
    }

    TemporaryDirectory directory;
};

} // namespace

TEST_F(CdiFiles, AreReadFromAllDirectoriesThatAreThere) {
    directory.write("high/acme.json", json);
    directory.write("high/notes.txt", "nothing");

    const auto found = specs();

    ASSERT_THAT(found, SizeIs(1));
    EXPECT_THAT(found[0].problems, IsEmpty());
    EXPECT_EQ(found[0].rank, 1U);
    EXPECT_TRUE(found[0].devices.contains("0"));
}

// /dev/null is a character device of the numbers 1 and 3 everywhere.
TEST_F(CdiFiles, MayNotTakeANodeForAnotherKindOfDevice) {
    const auto complaints = [&](const std::string& said) {
        CdiPart part = compose_cdi(std::vector{*parse_cdi_name("acme.com/engine=0")},
                                   std::vector{read_cdi_spec(R"({"cdiVersion": "1.0.0", "kind": "acme.com/engine",
            "devices": [{"name": "0", "containerEdits": {"deviceNodes": [{"path": "/dev/engine",
            "hostPath": "/dev/null")" + said + "}]}}]}",
                                                             "/etc/cdi/acme.json", 0)});
        compare_with_nodes(part);
        return (part.problems.empty() ? "" : "refused: " + text_of(part.problems[0])) +
               (part.warnings.empty() ? "" : "told: " + text_of(part.warnings[0]));
    };

    EXPECT_EQ(complaints(""), "");
    EXPECT_EQ(complaints(R"(, "type": "c", "major": 1, "minor": 3)"), "");
    EXPECT_EQ(complaints(R"(, "type": "u", "major": 0, "minor": 0)"), "");
    EXPECT_EQ(complaints(R"(, "type": "b")"),
              "refused: /etc/cdi/acme.json: 'devices[0].containerEdits.deviceNodes[0].path' is said to be a block "
              "device; '/dev/null' is none");
    EXPECT_EQ(complaints(R"(, "type": "c", "major": 195, "minor": 255)"),
              "told: /etc/cdi/acme.json: 'devices[0].containerEdits.deviceNodes[0].path' is said to be device 195:255; "
              "the machine gets '/dev/null', which is 1:3");
}

TEST_F(CdiFiles, MayBeYaml) {
    if (::access(own_program("machinist-yaml").c_str(), X_OK) < 0)
        GTEST_SKIP() << "built without libyaml";
    directory.write("low/acme.yaml", yaml);

    const auto found = specs();

    ASSERT_THAT(found, SizeIs(1));
    ASSERT_THAT(found[0].problems, IsEmpty()) << text_of(found[0].problems[0]);
    const CdiEdits& edits = found[0].devices.at("1").edits;
    ASSERT_THAT(edits.devices, SizeIs(1));
    EXPECT_EQ(edits.devices[0].host_path(), "/dev/null");
    EXPECT_EQ(edits.devices[0].mode, 0600U);
    EXPECT_EQ(edits.environment, std::vector<std::string>{"ENGINE=one"});
}

TEST_F(CdiFiles, OfYamlThatIsNoneAreToldByTheirLine) {
    if (::access(own_program("machinist-yaml").c_str(), X_OK) < 0)
        GTEST_SKIP() << "built without libyaml";
    directory.write("low/acme.yaml", "a: 1\nb: *all\n");

    EXPECT_THAT(complaint(), HasSubstr("low/acme.yaml: cannot be used: line 2: has an alias"));
}

TEST_F(CdiFiles, ThatOthersMayWriteToAreOfNoUse) {
    directory.write("low/acme.json", json);
    ASSERT_EQ(::chmod((directory.path() / "low/acme.json").c_str(), 0666), 0);

    EXPECT_THAT(complaint(), HasSubstr("low/acme.json: cannot be used: others than root may write to it"));
}

TEST_F(CdiFiles, ThatAreTooLargeOrNoFilesAreOfNoUse) {
    directory.write("low/acme.json", std::string(largest_cdi_file + 1, ' '));
    EXPECT_THAT(complaint(), HasSubstr("it is larger than 1 MiB"));

    std::filesystem::remove(directory.path() / "low/acme.json");
    ASSERT_EQ(::mkfifo((directory.path() / "low/acme.json").c_str(), 0600), 0);
    EXPECT_THAT(complaint(), HasSubstr("it is no regular file"));
}

} // namespace machinist
