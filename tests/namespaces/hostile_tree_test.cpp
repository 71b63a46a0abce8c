// SPDX-License-Identifier: LGPL-2.1-or-later
// Trees that were made to harm: each is started; it runs or is refused, in bounded time, and nothing outside changes.
#include "hostile/trees.hpp"
#include "kernel/files.hpp"
#include "namespaces/host_audit.hpp"
#include "namespaces/machine.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace machinist::test {

using machinist::testing::HostileTree;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

namespace {

class AHostileTree : public ABootedMachine, public ::testing::WithParamInterface<HostileTree> {
protected:
    void SetUp() override {
        ABootedMachine::SetUp();
        if (IsSkipped())
            return;
        outside_ = tree.workplace().directory("outside");
        machinist::testing::make_outside(outside_);
        GetParam().make(open_path(tree.path(), O_RDONLY | O_DIRECTORY), outside_);
        before_ = machinist::testing::description_of(outside_);
        host_before_ = fingerprint_of_host();
    }
    void TearDown() override {
        ABootedMachine::TearDown();
        if (outside_.empty())
            return;
        // The links out must be gone before anybody removes what lies outside.
        remove_tree(open_path(tree.workplace().path(), O_RDONLY | O_DIRECTORY), "tree");
    }
    void expect_harmless(Start start) {
        const auto begin = std::chrono::steady_clock::now();
        const Outcome outcome = outcome_of(std::move(start));

        EXPECT_LT(std::chrono::steady_clock::now() - begin, 15s);
        EXPECT_THAT(outcome.status, AnyOf(0, 1)) << outcome.errors;
        if (outcome.status == 1) {
            EXPECT_THAT(outcome.errors, Not(IsEmpty())) << "refused without a word";
        }
        EXPECT_THAT(outcome.errors, Not(HasSubstr("internal error")));
        EXPECT_THAT(outcome.output + outcome.errors, Not(HasSubstr(machinist::testing::outside_machine_id)));
        EXPECT_EQ(machinist::testing::description_of(outside_), before_) << "something outside was touched";
        EXPECT_EQ(fingerprint_of_host(), host_before_) << "the host was touched";
        EXPECT_THAT(remnants_of(machine().name(), tree.workplace().path()), IsEmpty());
    }

private:
    Path outside_;
    std::string before_, host_before_;
};

const std::vector<std::string> curious{"/probe", "--ask", "env"};
// All that writes into a tree.
const std::vector<std::string> writing{"--resolv-conf=replace-host", "--timezone=copy", "--link-journal=try-guest"};

std::vector<std::string> with(std::vector<std::string> options, const std::vector<std::string>& more) {
    options.insert(options.end(), more.begin(), more.end());
    return options;
}

} // namespace

INSTANTIATE_TEST_SUITE_P(Of, AHostileTree, ::testing::ValuesIn(machinist::testing::hostile_trees()),
                         [](const ::testing::TestParamInfo<HostileTree>& hostile) {
                             return machinist::testing::identifier_of(hostile.param);
                         });

TEST_P(AHostileTree, DoesNoHarmWhenACommandRunsInIt) {
    expect_harmless({.options = writing, .command = curious});
}

TEST_P(AHostileTree, DoesNoHarmWhenItIsBooted) {
    expect_harmless({.options = with({"--boot"}, writing), .command = {}});
}

TEST_P(AHostileTree, DoesNoHarmWithTheHostsUsers) {
    expect_harmless({.options = writing, .command = curious, .called_as = CalledAs::nspawn});
}

TEST_P(AHostileTree, DoesNoHarmOnAThrowAwayLayer) {
    expect_harmless({.options = with({"--ephemeral"}, writing), .command = curious});
}

TEST_P(AHostileTree, DoesNoHarmWhenItIsReadOnly) {
    expect_harmless({.options = {"--read-only", "--bind-ro=/etc:/srv/etc"}, .command = curious});
}

} // namespace machinist::test
