// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/separate_process.hpp"

#include "base/failure.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

using namespace std::chrono_literals;

TEST(ASeparateProcess, AnswersWithWhatItFound) {
    int changed = 1;

    const auto answer = find_out_apart(
        [&] {
            changed = 2;
            return std::string{"with\0zero", 9} + std::to_string(::getppid());
        },
        5s);

    EXPECT_EQ(answer, (std::string{"with\0zero", 9} + std::to_string(::getpid())));
    EXPECT_EQ(changed, 1);
}

TEST(ASeparateProcess, IsGivenUpWhenItTakesTooLong) {
    const auto began = std::chrono::steady_clock::now();

    const auto answer = find_out_apart(
        []() -> std::string {
            while (true)
                ::pause();
        },
        50ms);

    EXPECT_FALSE(answer);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
}

TEST(ASeparateProcess, GivesNoPartOfAnAnswer) {
    EXPECT_FALSE(find_out_apart([]() -> std::string { throw Failure{FailureKind::hostile, "x"}; }, 5s));
    EXPECT_FALSE(find_out_apart([]() -> std::string { ::_exit(0); }, 5s));
    EXPECT_FALSE(find_out_apart([] { return std::string(2000, 'x'); }, 5s, 1000));
    EXPECT_EQ(find_out_apart([] { return std::string{}; }, 5s), "");
}

} // namespace machinist
