// SPDX-License-Identifier: LGPL-2.1-or-later
#include "oci/reference.hpp"

#include "base/base64.hpp"
#include "base/failure.hpp"
#include "oci/registry_documents.hpp"

#include <gtest/gtest.h>
#include <string>

namespace machinist::oci {

TEST(AReference, HasRegistryNameAndVersion) {
    const auto tagged = Reference::parse("registry.example:5000/library/debian:12");
    ASSERT_TRUE(tagged);
    EXPECT_EQ(tagged->registry, "registry.example:5000");
    EXPECT_EQ(tagged->name, "library/debian");
    EXPECT_EQ(tagged->version(), "12");
    EXPECT_EQ(tagged->short_name(), "debian");
    EXPECT_EQ(Reference::parse("localhost/web")->version(), "latest");
    const std::string digest = "sha256:" + std::string(64, 'a');
    EXPECT_EQ(Reference::parse("a.example/web:1@" + digest)->version(), digest);
    EXPECT_EQ(Reference::parse("a.example/web:1@" + digest)->text(), "a.example/web:1@" + digest);
}

TEST(AReference, IsRefusedIfItIsNone) {
    for (const char* text : {"",
                             "web",
                             "web:1",
                             "library/web",
                             "a.example/",
                             "a.example/Web",
                             "a.example/web:",
                             "a.example/web:-1",
                             "a.example/../web",
                             "a.example/web/../../x",
                             "a.example/web@sha256:1",
                             "https://a.example/web",
                             "a.example:0/web",
                             "a.example:99999/web",
                             "user@a.example/web",
                             "a.example/we b",
                             "a.example/web:1:2",
                             "a.example//web",
                             "[::1/web",
                             "a.example/web?x=1",
                             "-a.example/web",
                             "a.example/web#1",
                             "a.example/web\n"})
        EXPECT_FALSE(Reference::parse(text)) << text;
}

TEST(AReference, KnowsTheHostItIsOn) {
    for (const char* text : {"localhost/a", "127.0.0.1:5000/a", "127.1.2.3/a", "[::1]:80/a"})
        EXPECT_TRUE(Reference::parse(text)->is_on_this_host()) << text;
    for (const char* text : {"127.0.0.1.example/a", "localhost.example/a", "10.0.0.1/a", "[::2]/a", "127.0.0.256/a"})
        EXPECT_FALSE(Reference::parse(text)->is_on_this_host()) << text;
}

TEST(AChallenge, SaysWhereATokenIsToBeHad) {
    const auto challenge = Challenge::parse(
        R"(Bearer realm="https://auth.example/token",service="registry, \"a\"",scope="repository:web:pull")");

    ASSERT_TRUE(challenge);
    EXPECT_TRUE(challenge->wants_token);
    EXPECT_EQ(challenge->service, "registry, \"a\"");
    EXPECT_EQ(challenge->token_url(),
              "https://auth.example/token?service=registry,%20%22a%22&scope=repository:web:pull");
    EXPECT_FALSE(Challenge::parse("Basic realm=\"x\"")->wants_token);
    for (const char* text : {"", "Bearer", "Bearer scope=\"a\"", "Negotiate abc", "Bearer realm=\"open"})
        EXPECT_FALSE(Challenge::parse(text)) << text;
}

TEST(AToken, IsOneWord) {
    EXPECT_EQ(read_token(R"({"token": "abc.def"})"), "abc.def");
    EXPECT_EQ(read_token(R"({"access_token": "x"})"), "x");
    for (const char* text :
         {"", "{}", R"({"token": ""})", R"({"token": "a\r\nX: b"})", R"({"token": "a b"})", R"({"token": 1})"})
        EXPECT_THROW((void)read_token(text), Failure) << text;
}

TEST(Credentials, AreThoseOfTheMostSpecialEntry) {
    const std::string text = R"({"auths": {"a.example": {"auth": ")" + base64("all:1") + R"("},
        "a.example/team": {"auth": ")" +
                             base64("team:2") + R"("}, "https://b.example/v1/": {"auth": ")" + base64("b:3") +
                             R"("}, "c.example": {"auth": "bm8gY29sb24="}, "d.example": {}}})";

    EXPECT_EQ(read_credentials(text, "a.example", "web"), base64("all:1"));
    EXPECT_EQ(read_credentials(text, "a.example", "team/web"), base64("team:2"));
    EXPECT_EQ(read_credentials(text, "a.example", "teamwork"), base64("all:1"));
    EXPECT_EQ(read_credentials(text, "b.example", "web"), base64("b:3"));
    for (const char* other : {"c.example", "d.example", "example", "a.example.org"})
        EXPECT_EQ(read_credentials(text, other, "web"), std::nullopt) << other;
    EXPECT_THROW((void)read_credentials("no JSON", "a.example", "web"), Failure);
}

} // namespace machinist::oci
