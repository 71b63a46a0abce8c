// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

TEST(ASplit, KeepsEmptyParts) {
    EXPECT_THAT(split("a::b", ':'), ElementsAre("a", "", "b"));
    EXPECT_THAT(split("", ':'), ElementsAre(""));
}

TEST(ASplitIntoWords, DropsEmptyOnes) {
    EXPECT_THAT(split_words("  a\tb \n"), ElementsAre("a", "b"));
    EXPECT_THAT(split_words(" \n"), IsEmpty());
    EXPECT_THAT(split_words("a, b;c", ", ;"), ElementsAre("a", "b", "c"));
}

TEST(AnEscapedSplit, TakesTheByteBehindABackslashAsItIs) {
    EXPECT_THAT(split_escaped(R"(/a\:b:/c\\d:)", ':'), Optional(ElementsAre("/a:b", R"(/c\d)", "")));
    EXPECT_FALSE(split_escaped("/a\\", ':'));
}

TEST(AQuotedSplit, KeepsBlanksWithinQuotesAndReadsEscapes) {
    EXPECT_THAT(split_quoted(R"(A="x y" 'B=q"r' C\x3dd "")"), Optional(ElementsAre("A=x y", "B=q\"r", "C=d", "")));
}

TEST(AQuotedSplit, RefusesAnOpenQuoteAndAnUnknownEscape) {
    for (const char* text : {"\"a", "'a b", "a\\", "a\\q", "a\\x4", "\\u00"})
        EXPECT_FALSE(split_quoted(text)) << text;
}

TEST(CEscapes, AreReadAsTheBytesTheyStandFor) {
    EXPECT_EQ(c_unescaped(R"(a\n\t\s\x41\101\u00e4\\)"), "a\n\t AA\xC3\xA4\\");
    EXPECT_EQ(c_unescaped(R"(\U0001F535)"), "\xF0\x9F\x94\xB5");
}

TEST(CEscapes, NeverMakeAZeroByteOrAnImpossibleCharacter) {
    for (const char* text : {"\\x00", "\\000", "\\u0000", "\\ud800", "\\U00110000", "\\777"})
        EXPECT_FALSE(c_unescaped(text)) << text;
}

TEST(AnInteger, IsTheWholeTextOrNothing) {
    EXPECT_EQ(parse_integer<int>("-12"), -12);
    EXPECT_EQ(parse_integer<unsigned>("12"), 12U);
    for (const char* text : {"", " 1", "1 ", "+1", "0x1", "1.0", "99999999999"})
        EXPECT_FALSE(parse_integer<int>(text)) << text;
    EXPECT_FALSE(parse_integer<unsigned>("-1"));
}

TEST(ABoolean, IsWrittenInTheKnownWays) {
    for (const char* text : {"1", "yes", "Y", "true", "T", "ON"})
        EXPECT_EQ(parse_bool(text), true) << text;
    for (const char* text : {"0", "no", "N", "False", "f", "off"})
        EXPECT_EQ(parse_bool(text), false) << text;
    for (const char* text : {"", "2", "yess", " yes", "auto"})
        EXPECT_FALSE(parse_bool(text)) << text;
}

TEST(ASize, CountsInPowersOf1024) {
    EXPECT_EQ(parse_size("0"), 0U);
    EXPECT_EQ(parse_size("4096"), 4096U);
    EXPECT_EQ(parse_size("1K"), 1024U);
    EXPECT_EQ(parse_size("1.5G"), std::uint64_t{3} << 29);
    EXPECT_EQ(parse_size("15E"), std::uint64_t{15} << 60);
}

TEST(ASize, IsNothingWhereItWouldNotFitOrHasNoMeaning) {
    for (const char* text :
         {"", "K", "16E", "18446744073709551616", "1KB", "-1", "1.", "1.K", "1.0000000001G", "1 K", "15.99999999999E"})
        EXPECT_FALSE(parse_size(text)) << text;
}

TEST(ACpuList, IsRangesAndNumbersInAnyOrder) {
    EXPECT_THAT(parse_cpu_list("3,0-1 3"), Optional(ElementsAre(0, 1, 3)));
    for (const char* text : {"", ",", "3-1", "-1", "1-", "a", "9999", "0-4294967295"})
        EXPECT_FALSE(parse_cpu_list(text)) << text;
}

TEST(Utf8, HasNoOverlongFormsSurrogatesOrLooseEnds) {
    for (const char* text : {"", "abc", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x94\xB5"})
        EXPECT_TRUE(is_utf8(text)) << text;
    for (const char* text : {"\xC3", "\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF"})
        EXPECT_FALSE(is_utf8(text));
}

TEST(TextEscapedForPeople, HoldsNothingThatATerminalWouldObey) {
    EXPECT_EQ(escaped_for_people("a\x1B[31m\n\x7F\xC2\x9B\xFF\\"), R"(a\x1b[31m\x0a\x7f\xc2\x9b\xff\\)");
    EXPECT_EQ(escaped_for_people("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F");
}

TEST(AnEnvironmentName, IsAnIdentifier) {
    EXPECT_TRUE(is_environment_name("_A1"));
    for (const char* text : {"", "1A", "A-B", "A.B", "A=B", "\xC3\xA4"})
        EXPECT_FALSE(is_environment_name(text)) << text;
}

} // namespace machinist
