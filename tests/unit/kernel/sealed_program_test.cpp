// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/sealed_program.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

TEST(ASealedProgram, IsTheProgramAndCannotBeChanged) {
    const UniqueFd program = make_sealed_program("/proc/self/exe");

    EXPECT_EQ(status_of(program).st_size, status_of(open_path("/proc/self/exe", 0)).st_size);
    EXPECT_LT(::pwrite(program.get(), "x", 1, 0), 0);
    EXPECT_EQ(errno, EPERM);
    EXPECT_LT(::ftruncate(program.get(), 0), 0);
}

TEST(ASealedProgram, RunsWithTheEnvironmentThatIsGiven) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::dup2(ends[1], STDOUT_FILENO);
        execute_sealed_program(make_sealed_program("/usr/bin/env"), {"env"}, {"A=b"});
    }
    ::close(ends[1]);

    EXPECT_EQ(read_all(UniqueFd{ends[0]}), "A=b\n");
    int status = -1;
    ::waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
}

TEST(ASealedProgram, IsNotWhatRunsFromAFile) {
    EXPECT_FALSE(runs_from_sealed_program());
    EXPECT_THROW(make_sealed_program("/no/such/program"), Failure);
}

} // namespace machinist
