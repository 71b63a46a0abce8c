// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dissect/root_hash_document.hpp"

#include "base/failure.hpp"
#include "written_disk.hpp"

#include <gmock/gmock.h>

namespace machinist::dissect {

using test::WrittenDisk;
using ::testing::HasSubstr;

namespace {

constexpr std::uint64_t mib = 1 << 20;
const std::string hash(64, 'a');
const std::string good =
    R"({"rootHash":")" + hash + R"(","certificateFingerprint":")" + std::string(64, 'B') + R"(","signature":"AAEC"})";

std::string refusal(const std::string& text) {
    try {
        (void)parse_root_hash_document(text);
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), FailureKind::hostile) << failure.what();
        return failure.what();
    }
    return "nothing was refused";
}

std::string with(const std::string& members) {
    return R"({"rootHash":")" + hash + R"(","signature":"AAEC",)" + members + "}";
}

} // namespace

TEST(ASignaturePartition, HoldsARootHashAndItsSignature) {
    const SignedHash found = parse_root_hash_document(good);

    EXPECT_EQ(found.root_hash, hash);
    EXPECT_EQ(found.signature, (std::string{"\0\1\2", 3}));
}

TEST(ASignaturePartition, MayHoldWhatNobodyAsksFor) {
    EXPECT_EQ(parse_root_hash_document(with(R"("more":[1,{"rootHash":"zz"},null,-2.5e3,true])")).root_hash, hash);
}

TEST(ASignaturePartition, ThatIsNoDocumentIsRefused) {
    for (const char* text : {"{", "x", "[]", "\"rootHash\"", "12", "null", "true", "{}x", "{\"a\":\xff}"})
        EXPECT_THAT(refusal(text), HasSubstr("it holds no JSON")) << text;
    for (std::size_t length = 1; length < good.size(); ++length)
        EXPECT_THAT(refusal(good.substr(0, length)), HasSubstr("it holds no JSON")) << length;
}

TEST(ASignaturePartition, ThatIsNestedWithoutEndIsRefused) {
    EXPECT_THAT(refusal(std::string(mib, '[')), HasSubstr("it holds no JSON object"));
    EXPECT_THAT(refusal(R"({"a":)" + std::string(mib, '[')), HasSubstr("nested too deeply"));
    std::string objects;
    for (int depth = 0; depth < 100'000; ++depth)
        objects += R"({"a":)";
    EXPECT_THAT(refusal(objects), HasSubstr("nested too deeply"));
}

TEST(ASignaturePartition, ThatSaysSomethingTwiceIsRefused) {
    EXPECT_THAT(refusal(with(R"("rootHash":")" + std::string(64, 'b') + "\"")), HasSubstr("two members 'rootHash'"));
    EXPECT_THAT(refusal(with("\"\\u001b[2J\":1,\"\\u001b[2J\":2")),
                AllOf(HasSubstr("two members"), Not(HasSubstr("\x1b"))));
}

TEST(ASignaturePartition, WhoseMembersAreNotWhatTheyMustBeIsRefused) {
    for (const std::string& value :
         {std::string{"12"}, std::string{"null"}, std::string{"[]"}, std::string{"\"\""}, std::string{"\"abc\""},
          '"' + std::string(64, 'z') + '"', '"' + std::string(258, 'a') + '"', '"' + std::string(62, 'a') + " 1\""})
        EXPECT_THAT(refusal(R"({"signature":"AAEC","rootHash":)" + value + "}"), HasSubstr("'rootHash' is no root"))
            << value;
    for (const std::string& value : {std::string{"12"}, std::string{"\"\""}, std::string{"\"A\""},
                                     std::string{"\"AA EC\""}, '"' + std::string(200'000, 'A') + '"'})
        EXPECT_THAT(refusal(R"({"rootHash":")" + hash + R"(","signature":)" + value + "}"),
                    HasSubstr("'signature' is no signature"))
            << value.substr(0, 20);
    EXPECT_THAT(refusal(with(R"("certificateFingerprint":"12")")), HasSubstr("'certificateFingerprint' is none"));
    EXPECT_THAT(refusal("{}"), HasSubstr("'rootHash' is no root hash"));
}

TEST(ASignaturePartition, EndsWithItsFirstZero) {
    WrittenDisk disk{mib};
    disk.write(4096, good);

    EXPECT_EQ(read_root_hash(disk.disk(), 4096, 8192)->root_hash, hash);
    EXPECT_EQ(read_root_hash(disk.disk(), 16384, 8192), std::nullopt);
    disk.write(12000, "x");
    EXPECT_THROW((void)read_root_hash(disk.disk(), 4096, 8192), Failure);
}

TEST(ASignaturePartition, OfAnySizeIsNotReadWhole) {
    WrittenDisk disk{64 * mib};

    for (const auto& [offset, size] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
             {0, largest_signature_partition + 1}, {64 * mib, 1}, {mib, UINT64_MAX}, {UINT64_MAX, 2}})
        EXPECT_THROW((void)read_root_hash(disk.disk(), offset, size), Failure) << offset;
}

} // namespace machinist::dissect
