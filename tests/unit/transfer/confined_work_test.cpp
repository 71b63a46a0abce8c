// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/confined_work.hpp"

#include "base/failure.hpp"
#include "byte_file.hpp"
#include "kernel/files.hpp"
#include "kernel/landlock.hpp"
#include "temporary_directory.hpp"
#include "watching.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/bpf.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <thread>
#include <unistd.h>

namespace machinist {
namespace {

using machinist::testing::file_with;
using machinist::testing::TemporaryDirectory;
using machinist::testing::Watching;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// "" for what was permitted, the error's name for what was not.
std::string answer(long result) {
    return result >= 0 ? "" : ::strerrorname_np(errno);
}

class ConfinedWork : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "only root can build all walls";
    }
    template <typename Work>
    std::string in_tree(Work work) {
        return do_confined({.tree = tree.descriptor()}, watching.meter,
                           [&](ProgressMeter&) { return std::string{work(tree.descriptor().get())}; });
    }
    template <typename Work>
    std::string without_tree(Work work) {
        return do_confined({}, watching.meter, [&](ProgressMeter&) { return std::string{work()}; });
    }

    TemporaryDirectory tree;
    Watching watching;
};

TEST_F(ConfinedWork, ReturnsTellsSaysAndThrowsAsIfItWereDoneHere) {
    const std::string bytes("a\0b\n\xff", 5);
    EXPECT_EQ(do_confined({}, watching.meter,
                          [&](ProgressMeter& inner) {
                              inner.begin("working", 100);
                              inner.say(4, "a warning");
                              inner.end();
                              return bytes;
                          }),
              bytes);
    EXPECT_THAT(watching.stages, ElementsAre("working"));
    EXPECT_EQ(watching.last.bytes, 100U);
    EXPECT_THAT(watching.said, ElementsAre("a warning"));

    try {
        without_tree([]() -> std::string {
            throw Failure{FailureKind::hostile, "it is bad", ENOTDIR}.try_instead("another");
        });
        FAIL() << "nothing was thrown";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), FailureKind::hostile);
        EXPECT_EQ(failure.error_number(), ENOTDIR);
        EXPECT_EQ(failure.remedy(), "another");
    }
}

TEST_F(ConfinedWork, MakesFilesOfAllKindsAndOwnersInItsTree) {
    EXPECT_EQ(in_tree([](int root) {
                  std::string failed;
                  const auto expect = [&](const char* what, long result) {
                      if (result < 0)
                          failed += std::string{what} + " " + ::strerrorname_np(errno) + "; ";
                  };
                  expect("mkdir", ::mkdirat(root, "etc", 0755));
                  const int file = ::openat(root, "etc/motd", O_WRONLY | O_CREAT | O_EXCL, 0600);
                  expect("open", file);
                  expect("write", ::write(file, "hello", 5));
                  expect("chown", ::fchown(file, 1000, 100'000));
                  expect("chmod", ::fchmod(file, 04755));
                  expect("link", ::linkat(root, "etc/motd", root, "issue", 0));
                  expect("symlink", ::symlinkat("etc/motd", root, "link"));
                  expect("device", ::mknodat(root, "null", S_IFCHR | 0666, ::makedev(1, 3)));
                  expect("fifo", ::mknodat(root, "fifo", S_IFIFO | 0600, 0));
                  expect("opaque", ::fsetxattr(root, "trusted.overlay.opaque", "y", 1, 0));
                  std::thread other{[] {}};
                  other.join();
                  return failed;
              }),
              "");

    struct stat status {};
    ASSERT_EQ(::stat((tree.path() / "issue").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 1000U);
    EXPECT_EQ(status.st_gid, 100'000U);
    EXPECT_EQ(status.st_mode & 07777, 04755U);
}

TEST_F(ConfinedWork, FindsNothingOutsideOfItsTree) {
    const TemporaryDirectory other;
    other.write("secret", "x");
    tree.link(other.path().string(), "out");
    tree.make_directory("within");

    for (const std::string& path :
         {std::string{"/etc/passwd"}, (other.path() / "secret").string(), std::string{"../../../../etc/passwd"},
          std::string{"out/secret"}, std::string{"/proc/self/root/etc/passwd"}})
        EXPECT_NE(in_tree([&](int root) { return answer(::openat(root, path.c_str(), O_RDONLY)); }), "") << path;
    EXPECT_NE(in_tree([&](int) { return answer(::fchownat(AT_FDCWD, other.path().c_str(), 1, 1, 0)); }), "");
    EXPECT_NE(in_tree([&](int root) { return answer(::fchmodat(root, "../../etc", 0777, 0)); }), "");
    EXPECT_NE(in_tree([&](int root) { return answer(::linkat(root, "out/secret", root, "mine", 0)); }), "");
    EXPECT_EQ(in_tree([&](int root) { return answer(::openat(root, "/within", O_RDONLY | O_DIRECTORY)); }), "");
}

TEST_F(ConfinedWork, HasNoDeviceThatWorks) {
    EXPECT_EQ(in_tree([](int root) {
                  (void)::mknodat(root, "zero", S_IFCHR | 0666, ::makedev(1, 5));
                  return answer(::openat(root, "zero", O_RDONLY));
              }),
              "EACCES");
}

TEST_F(ConfinedWork, FollowsNoLinkThatItMade) {
    EXPECT_EQ(in_tree([](int root) {
                  (void)::mkdirat(root, "there", 0755);
                  (void)::symlinkat("there", root, "link");
                  return answer(::openat(root, "link", O_RDONLY | O_DIRECTORY));
              }),
              "ELOOP");
}

TEST_F(ConfinedWork, MakesNoOtherSystemCalls) {
    const pid_t self = ::getpid();
    const auto refused = [&]() -> std::string {
        std::string permitted;
        const auto expect = [&](const char* name, long result) {
            if (result >= 0 || errno != EPERM)
                permitted += std::string{name} + " ";
        };
        char* const none[]{nullptr};
        expect("socket", ::socket(AF_INET, SOCK_STREAM, 0));
        expect("unix", ::socket(AF_UNIX, SOCK_STREAM, 0));
        expect("netlink", ::socket(AF_NETLINK, SOCK_RAW, 0));
        expect("execve", ::execve("/bin/true", none, none));
        expect("ptrace", ::ptrace(PTRACE_ATTACH, self, nullptr, nullptr));
        expect("kill", ::kill(self, 0));
        expect("mount", ::mount("none", "/", "tmpfs", 0, nullptr));
        expect("chroot", ::chroot("."));
        expect("unshare", ::unshare(CLONE_NEWUSER));
        expect("bpf", ::syscall(SYS_bpf, BPF_PROG_LOAD, nullptr, 0));
        expect("openat2", ::syscall(SYS_openat2, -1, "/", nullptr, 0));
        expect("io_uring", ::syscall(SYS_io_uring_setup, 1, nullptr));
        expect("pidfd_open", ::syscall(SYS_pidfd_open, self, 0));
        expect("fcntl", ::fcntl(0, F_GETFL));
        expect("ioctl", ::syscall(SYS_ioctl, 0, 0, 0));
        expect("setresuid", ::syscall(SYS_setresuid, 0, 0, 0));
        expect("new namespaces", ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
        return permitted;
    };

    EXPECT_EQ(in_tree([&](int) { return refused(); }), "");
    EXPECT_EQ(without_tree(refused), "");
}

TEST_F(ConfinedWork, WithoutATreeOpensNothingAndIsNobodys) {
    EXPECT_EQ(without_tree([] { return answer(::open("/etc/passwd", O_RDONLY)); }), "EPERM");
    EXPECT_EQ(without_tree([] { return answer(::mkdir("/tmp/made", 0700)); }), "EPERM");

    const UniqueFd file = file_with("contents");
    const std::string seen = do_confined({.files = {file}}, watching.meter, [&](ProgressMeter&) {
        char buffer[16];
        const ssize_t count = ::pread(file.get(), buffer, sizeof buffer, 0);
        return std::string{buffer, static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
    });
    EXPECT_EQ(seen, "contents");
}

TEST_F(ConfinedWork, HasNoDescriptorButThoseItWasGiven) {
    const UniqueFd secret = file_with("secret");

    EXPECT_EQ(without_tree([&] {
                  char byte = 0;
                  return answer(::pread(secret.get(), &byte, 1, 0));
              }),
              "EBADF");
}

TEST_F(ConfinedWork, ThatCrashesOrLiesIsAFailure) {
    EXPECT_THROW(without_tree([]() -> std::string {
                     ::syscall(SYS_tgkill, ::getpid(), ::syscall(SYS_gettid), SIGSEGV);
                     return "";
                 }),
                 Failure);
    EXPECT_THROW(without_tree([]() -> std::string { ::_exit(0); }), Failure);
    EXPECT_THROW(without_tree([]() -> std::string { throw Failure{FailureKind::hostile, "\x1b[2J"}; }), Failure);
    try {
        without_tree([]() -> std::string { throw Failure{FailureKind::hostile, "\x1b[2J"}; });
    } catch (const Failure& failure) {
        EXPECT_THAT(failure.what(), ::testing::Not(HasSubstr("\x1b")));
    }
    EXPECT_THROW(without_tree([] { return std::string(3 << 20, 'x'); }), Failure);
}

TEST_F(ConfinedWork, TalksInLinesWithoutControlCharacters) {
    (void)do_confined({}, watching.meter, [](ProgressMeter& inner) {
        inner.say(4, "one\nR two\x1b[2J");
        return std::string{};
    });

    EXPECT_THAT(watching.said, ElementsAre("one R two [2J"));
}

TEST_F(ConfinedWork, EndsWhenItIsCanceled) {
    watching.cancellation.cancel();

    EXPECT_THROW(without_tree([]() -> std::string {
                     for (;;)
                         ::poll(nullptr, 0, 1000);
                 }),
                 Failure);
}

TEST(Landlock, LeavesNothingToChangeOrToExecute) {
    if (landlock::version() == 0)
        GTEST_SKIP() << "the kernel has no Landlock";
    const TemporaryDirectory place;
    place.write("file", "x");
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        (void)landlock::change_no_files(false);
        char* const none[]{nullptr};
        const std::string file = place.path() / "file";
        const bool holds = ::open(file.c_str(), O_RDONLY) >= 0 && ::open(file.c_str(), O_WRONLY) < 0 &&
                           ::open((file + "2").c_str(), O_CREAT | O_RDWR, 0600) < 0 && ::unlink(file.c_str()) < 0 &&
                           ::rename(file.c_str(), (file + "3").c_str()) < 0 && ::execve("/bin/true", none, none) < 0;
        ::_exit(holds ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);

    EXPECT_EQ(status, 0);
}

TEST(Landlock, KeepsToADirectory) {
    if (landlock::version() < 2)
        GTEST_SKIP() << "the kernel has no Landlock, or one that knows no links";
    const TemporaryDirectory place;
    place.make_directory("within");
    place.write("secret", "x");
    const UniqueFd within = open_path(place.path() / "within", O_RDONLY | O_DIRECTORY);
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        (void)landlock::keep_to_directory(within);
        const bool holds = ::openat(within.get(), "file", O_CREAT | O_RDWR, 0600) >= 0 &&
                           ::mkdirat(within.get(), "directory", 0700) == 0 &&
                           ::linkat(within.get(), "file", within.get(), "directory/link", 0) == 0 &&
                           ::openat(within.get(), "../secret", O_RDONLY) < 0 && ::open("/etc/passwd", O_RDONLY) < 0;
        ::_exit(holds ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);

    EXPECT_EQ(status, 0);
}

} // namespace
} // namespace machinist
