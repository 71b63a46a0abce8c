// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/seccomp.hpp"

#include "base/failure.hpp"
#include "in_child.hpp"
#include "kernel/capabilities.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

namespace machinist {
namespace {

constexpr std::array program_that_hides_uname{
    sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
    sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_uname},
    sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EXDEV},
    sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
};

void require_hidden_uname() {
    utsname name{};
    require(::uname(&name) == -1 && errno == EXDEV, "uname was not answered by the filter");
}

TEST(LoadingASyscallFilter, HoldsFromThenOn) {
    EXPECT_EQ(failure_in_child([] {
                  set_no_new_privileges();
                  load_syscall_filter(program_that_hides_uname);
                  require_hidden_uname();
              }),
              "");
}

TEST(LoadingASyscallFilter, NeedsNoRefusalOfNewPrivilegesAsRoot) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";

    EXPECT_EQ(failure_in_child([] {
                  load_syscall_filter(program_that_hides_uname);
                  require_hidden_uname();
                  require(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0, "new privileges were refused on the way");
              }),
              "");
}

TEST(LoadingASyscallFilter, SaysWhatIsMissingWithoutPrivileges) {
    const std::string failure = failure_in_child([] {
        set_capabilities({});
        load_syscall_filter(program_that_hides_uname);
    });

    EXPECT_NE(failure.find("Permission denied"), std::string::npos) << failure;
    EXPECT_NE(failure.find("CAP_SYS_ADMIN"), std::string::npos) << failure;
}

TEST(LoadingASyscallFilter, ReportsAProgramThatTheKernelRejects) {
    const std::string failure = failure_in_child([] {
        set_no_new_privileges();
        load_syscall_filter(std::array{sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, 4096}});
    });

    EXPECT_NE(failure.find("load the syscall filter"), std::string::npos) << failure;
}

TEST(LoadingASyscallFilter, DoesNothingForAnEmptyProgram) {
    EXPECT_EQ(failure_in_child([] {
                  load_syscall_filter({});
                  require(::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0, "a filter was loaded");
              }),
              "");
}

} // namespace
} // namespace machinist
