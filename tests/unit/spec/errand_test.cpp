// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/errand.hpp"
#include "spec/job_result.hpp"

#include <gtest/gtest.h>

namespace machinist {

namespace {

FailureKind failure_of_reading(const std::string& bytes) {
    try {
        (void)read_errand_message(bytes);
    } catch (const Failure& failure) {
        return failure.kind();
    }
    return FailureKind::internal;
}

} // namespace

TEST(AnErrandsMessage, CarriesTextOrAFailure) {
    EXPECT_EQ(read_errand_message(done_message("text")), "text");
    EXPECT_EQ(read_errand_message(done_message("")), "");
    EXPECT_EQ(failure_of_reading(failed_message(Failure{FailureKind::busy, "it is"})), FailureKind::busy);
}

TEST(AnErrandsMessage, IsHostileIfItIsNone) {
    for (const std::string bytes : {"", "f", "x", "fnonsense"})
        EXPECT_EQ(failure_of_reading(bytes), FailureKind::hostile) << bytes;
}

TEST(AnErrandsMessage, IsCutWhereItWouldNotFit) {
    EXPECT_EQ(read_errand_message(done_message(std::string(100000, 'x'))).size(), errand_text_limit);
}

TEST(APathInAMachine, IsAbsoluteAndDoesNotGoUp) {
    EXPECT_NO_THROW(check_path_in_machine("/srv/a..b/..c"));
    for (const std::string& path : {std::string{}, std::string{"srv"}, std::string{"/.."}, std::string{"/a/../b"},
                                    std::string{"/a\0b", 4}, "/" + std::string(5000, 'x')})
        EXPECT_THROW(check_path_in_machine(path), Failure) << path;
}

TEST(AJobResult, IsReadAsItWasWritten) {
    const JobResult result{.status = 143, .failure = "it: failed", .user_us = 12, .system_us = 34, .memory_peak = 56};

    EXPECT_EQ(parse_job_result(write_job_result(result)), result);
}

TEST(AJobResult, IsNoneUnlessWhole) {
    const std::string whole = write_job_result({.status = 1});

    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_EQ(parse_job_result(whole.substr(0, length)), std::nullopt) << length;
}

TEST(AJobResult, KeepsToItsLineWhateverTheFailureSays) {
    const JobResult result{.failure = "bad\nSTATUS=0\nEND=1\n"};

    EXPECT_EQ(parse_job_result(write_job_result({.status = 9, .failure = result.failure}))->status, 9);
}

} // namespace machinist
