// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/image_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace machinist {

namespace {

unsigned uses(const char* text, Designator designator) {
    const auto policy = ImagePolicy::parse(text);
    EXPECT_NE(policy, std::nullopt) << text;
    return policy ? policy->flags_of(designator) & policy::open : 0;
}

} // namespace

TEST(AnImagePolicy, NamesWhatAPartitionMayBe) {
    EXPECT_EQ(uses("root=verity+signed", Designator::root), policy::verity | policy::signed_);
    EXPECT_EQ(uses("home=encrypted+absent", Designator::home), policy::encrypted | policy::absent);
}

TEST(AnImagePolicy, IgnoresWhatItDoesNotName) {
    EXPECT_EQ(uses("root=unprotected", Designator::home), policy::unused | policy::absent);
    EXPECT_EQ(uses("", Designator::home), policy::unused | policy::absent);
}

TEST(AnImagePolicy, TakesAnEmptyNameForAllOthers) {
    EXPECT_EQ(uses("root=unprotected:=absent", Designator::home), policy::absent);
}

TEST(AnImagePolicy, HasShortForms) {
    EXPECT_EQ(uses("*", Designator::var), policy::open);
    EXPECT_EQ(uses("-", Designator::var), policy::ignore);
    EXPECT_EQ(uses("~", Designator::var), policy::absent);
    EXPECT_EQ(uses("var=open", Designator::var), policy::open);
    EXPECT_EQ(uses("var=ignore", Designator::var), policy::ignore);
}

TEST(AnImagePolicy, TakesAGroupThatIsNotWrittenForAllOfIt) {
    EXPECT_EQ(uses("root=read-only-on", Designator::root), policy::open);
    EXPECT_EQ(uses("root=", Designator::root), policy::open);
    const unsigned flags = ImagePolicy::parse("root=verity+read-only-on+ext4")->flags_of(Designator::root);
    EXPECT_EQ(flags, policy::verity | policy::read_only_on | policy::growfs_on | policy::growfs_off | policy::ext4);
}

TEST(AnImagePolicy, DerivesVerityPartitionsFromTheirData) {
    EXPECT_EQ(uses("root=verity", Designator::root_verity), policy::unprotected);
    EXPECT_EQ(uses("root=signed", Designator::root_verity_sig), policy::unprotected);
    EXPECT_EQ(uses("root=verity+unprotected", Designator::root_verity),
              policy::unprotected | policy::unused | policy::absent);
    EXPECT_EQ(uses("root=unprotected", Designator::root_verity), policy::unused | policy::absent);
    EXPECT_EQ(uses("root=verity:root-verity=absent", Designator::root_verity), policy::absent);
}

TEST(AnImagePolicy, IsRefusedIfItHasNoMeaning) {
    for (const char* text : {"root", "root=verify", "boot=open", "root=open:", ":", "root=open:root=absent",
                             "=open:=open", "root=open+", "root=+open", "**", " root=open", "root=open\n"})
        EXPECT_EQ(ImagePolicy::parse(text), std::nullopt) << text;
}

TEST(AnImagePolicy, IsTheSameAfterItsText) {
    for (const char* text : {"*", "-", "~", "", "root=verity+signed:home=absent", "usr=open:=unused+absent",
                             "root=unprotected+read-only-on+erofs"}) {
        const auto policy = ImagePolicy::parse(text);
        ASSERT_NE(policy, std::nullopt) << text;
        const auto again = ImagePolicy::parse(policy->text());
        ASSERT_NE(again, std::nullopt) << policy->text();
        for (const auto& [designator, name] : designator_names)
            EXPECT_EQ(again->flags_of(designator), policy->flags_of(designator)) << text << ": " << name;
    }
}

TEST(AnImagePolicy, OfMachinesUsesNoSwap) {
    const ImagePolicy policy = ImagePolicy::of_machines();

    EXPECT_EQ(policy.flags_of(Designator::swap) & policy::open, policy::ignore);
    EXPECT_EQ(policy.flags_of(Designator::esp) & policy::open, policy::unprotected | policy::absent);
    EXPECT_EQ(policy.flags_of(Designator::root) & policy::unused, 0U);
}

TEST(PartitionTypes, AreThoseOfTheSpecification) {
    const auto root = partition_type("4f68bce3-e8cd-4db1-96e7-fbcaf984b709");
    ASSERT_TRUE(root);
    EXPECT_EQ(root->designator, Designator::root);
    EXPECT_EQ(root->architecture, "x86-64");
    const auto home = partition_type("933ac7e1-2eb4-4f13-b844-0e14e2aef915");
    ASSERT_TRUE(home);
    EXPECT_EQ(home->designator, Designator::home);
    EXPECT_EQ(home->architecture, "");
    EXPECT_FALSE(partition_type(generic_linux_type));
    EXPECT_FALSE(partition_type(""));
}

} // namespace machinist
