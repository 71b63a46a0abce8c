// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dissect/yaml_reading.hpp"

#include "base/failure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace machinist::dissect {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string refusal_of(const std::string& text) {
    try {
        return "read as " + json_of_yaml(text);
    } catch (const Failure& failure) {
        return failure.what();
    }
}

} // namespace

TEST(Yaml, IsToldAsJson) {
    EXPECT_EQ(json_of_yaml("a: 1\nb:\n- x\n- \"y\"\n- {c: ~, d: []}\n"), R"({"a":1,"b":["x","y",{"c":null,"d":[]}]})");
    EXPECT_EQ(json_of_yaml(R"({"a": [true, "false", -7]})"), R"({"a":[true,"false",-7]})");
    EXPECT_EQ(json_of_yaml("word"), R"("word")");
}

TEST(Yaml, HasNumbersInAllTheirForms) {
    EXPECT_EQ(json_of_yaml("[0, 0600, 0o600, 0x1F, 1.5, 08, 99999999999999999999]"),
              R"([0,384,384,31,"1.5","08","99999999999999999999"])");
}

TEST(Yaml, HasKeysAndTextsThatAreQuoted) {
    EXPECT_EQ(json_of_yaml("1: \"a\\\"b\\\\c\\n\\x7f\"\ntrue: |\n  two\n  lines\n"),
              R"({"1":"a\"b\\c\u000a\u007f","true":"two\u000alines\u000a"})");
}

TEST(Yaml, ThatMeansMoreThanItSaysIsRefused) {
    EXPECT_THAT(refusal_of("a: &x 1\nb: *x\n"), HasSubstr("line 1: has an anchor or a tag"));
    EXPECT_THAT(refusal_of("a: !!binary x\n"), HasSubstr("has an anchor or a tag"));
    EXPECT_THAT(refusal_of("a: *x\n"), HasSubstr("has an alias"));
    EXPECT_THAT(refusal_of("? [a, b]\n: c\n"), HasSubstr("has a key that is no word"));
    EXPECT_THAT(refusal_of("a: 1\n---\nb: 2\n"), HasSubstr("has a second document"));
    EXPECT_THAT(refusal_of(std::string(100, '[')), HasSubstr("is nested too deeply"));
}

TEST(Yaml, ThatIsNoneIsRefusedByItsLine) {
    EXPECT_THAT(refusal_of(""), HasSubstr("has no document"));
    EXPECT_THAT(refusal_of("a: 1\n\tb: 2\n"), StartsWith("line 2: "));
    EXPECT_THAT(refusal_of("a: [1,\n"), StartsWith("line "));
    EXPECT_THAT(refusal_of("a: \xff\n"), StartsWith("line "));
}

} // namespace machinist::dissect
