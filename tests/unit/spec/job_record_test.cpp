// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/job_record.hpp"

#include <gtest/gtest.h>

namespace machinist {

namespace {

JobRecord a_record() {
    return {.id = 7,
            .kind = JobKind::start,
            .machine = "web",
            .owner = 1000,
            .description = "start machinist@web.service",
            .begun = 12345,
            .canceled = true,
            .process = 42,
            .process_inode = 99,
            .process_start = 17,
            .unit = "machinist@web.service"};
}

} // namespace

TEST(AJobRecord, IsReadAsItWasWritten) {
    EXPECT_EQ(parse_job_record(write_job_record(a_record())), a_record());
}

TEST(AJobRecord, KeepsWhateverTheDescriptionSays) {
    JobRecord record = a_record();
    record.description = "sh -c \nOWNER=0\nEND=1\n\\ \x01";

    EXPECT_EQ(parse_job_record(write_job_record(record)), record);
}

TEST(AJobRecord, IsNoneUnlessWhole) {
    const std::string whole = write_job_record(a_record());

    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_EQ(parse_job_record(whole.substr(0, length)), std::nullopt) << length;
    EXPECT_EQ(parse_job_record("ID=x\nKIND=exec\nEND=1\n"), std::nullopt);
    EXPECT_EQ(parse_job_record("ID=1\nKIND=other\nEND=1\n"), std::nullopt);
}

} // namespace machinist
