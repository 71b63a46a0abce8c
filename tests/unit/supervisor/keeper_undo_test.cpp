// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kept_machine.hpp"

#include "kernel/syscalls.hpp"

#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <gmock/gmock.h>
#include <linux/fs.h>
#include <sstream>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
namespace fs = std::filesystem;

struct Result {
    int status = -1;
    std::string errors;
};

Result undo(const fs::path& run_directory) {
    Pipe errors = make_pipe();
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(errors.writes.get(), 2);
        ::execl(SUPERVISOR_PROGRAM, "machinist-supervisor", "--undo", run_directory.c_str(), nullptr);
        ::_exit(98);
    }
    errors.writes.reset();
    Result result;
    result.errors = read_until(errors.reads);
    int status = 0;
    ::waitpid(child, &status, 0);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
}

class ARemnant : public ::testing::Test {
protected:
    ARemnant() {
        directory = make_directory();
        run_directory = directory / "machines" / "web";
        fs::create_directories(run_directory);
        std::ofstream{run_directory / "lock"};
    }
    ~ARemnant() override {
        fs::remove_all(directory);
    }
    void note(const std::string& lines) const {
        std::ofstream{run_directory / "undo", std::ios::app} << lines;
    }
    [[nodiscard]] bool is_gone() const {
        return fs::is_empty(directory / "machines");
    }

    fs::path directory;
    fs::path run_directory;
};

TEST_F(ARemnant, IsUndoneFromTheLastLineToTheFirst) {
    fs::create_directories(directory / "outer" / "inner");
    std::ofstream{directory / "outer" / "inner" / "file"};
    fs::create_symlink("/nonexistent", directory / "link");
    note("rmdir " + (directory / "outer").string() + "\n");
    note("rmdir " + (directory / "outer" / "inner").string() + "\n");
    note("unlink " + (directory / "outer" / "inner" / "file").string() + "\n");
    note("unlink " + (directory / "link").string() + "\n");

    EXPECT_EQ(undo(run_directory).status, 0);

    EXPECT_EQ(names_in(directory), std::set<std::string>{"machines"});
    EXPECT_TRUE(is_gone());
}

TEST_F(ARemnant, MayBeUndoneTwice) {
    note("unlink /nonexistent/file\nrmdir /nonexistent/directory\ntree /nonexistent/tree\ncgroup /nonexistent/group\n"
         "subvolume " +
         (directory / "none").string() + "\n");

    EXPECT_EQ(undo(run_directory).status, 0);
    EXPECT_EQ(undo(run_directory).status, 0);
    EXPECT_TRUE(is_gone());
}

TEST_F(ARemnant, MayBeIncomplete) {
    fs::remove(run_directory / "lock");
    std::ofstream{run_directory / "leader"} << "12";

    const Result result = undo(run_directory);

    EXPECT_EQ(result.status, 0) << result.errors;
    EXPECT_TRUE(is_gone());
}

TEST_F(ARemnant, IsLeftAloneWhileItsLockIsHeld) {
    const UniqueFd lock{::open((run_directory / "lock").c_str(), O_RDWR | O_CLOEXEC)};
    ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
    note("unlink " + (directory / "file").string() + "\n");
    std::ofstream{directory / "file"};

    const Result result = undo(run_directory);

    EXPECT_EQ(result.status, 3);
    EXPECT_THAT(result.errors, HasSubstr("the lock is held in '" + run_directory.string() + "'"));
    EXPECT_TRUE(fs::exists(directory / "file"));
}

TEST_F(ARemnant, KeepsADirectoryThatSomebodyElseFilled) {
    fs::create_directories(directory / "slice" / "other");
    note("rmdir " + (directory / "slice").string() + "\n");

    EXPECT_EQ(undo(run_directory).status, 0);

    EXPECT_TRUE(fs::exists(directory / "slice" / "other"));
}

TEST_F(ARemnant, LosesItsTreesWithoutFollowingLinks) {
    fs::create_directories(directory / "outside" / "precious");
    fs::create_directories(directory / "tree" / "a" / "b" / "c");
    fs::create_symlink(directory / "outside", directory / "tree" / "a" / "link");
    fs::create_symlink("..", directory / "tree" / "a" / "b" / "up");
    std::ofstream{directory / "tree" / "a" / "b" / "c" / "file"};
    ::mkfifo((directory / "tree" / "fifo").c_str(), 0);
    ::mkdir((directory / "tree" / "locked").c_str(), 0);
    note("tree " + (directory / "tree").string() + "\n");

    EXPECT_EQ(undo(run_directory).status, 0);

    EXPECT_EQ(names_in(directory), (std::set<std::string>{"machines", "outside"}));
    EXPECT_TRUE(fs::exists(directory / "outside" / "precious"));
}

TEST_F(ARemnant, DoesNotFollowALinkInTheTreesPlace) {
    fs::create_directories(directory / "outside" / "precious");
    fs::create_directory_symlink(directory / "outside", directory / "tree");
    note("tree " + (directory / "tree").string() + "\n");

    EXPECT_EQ(undo(run_directory).status, 0);

    EXPECT_FALSE(fs::is_symlink(directory / "tree"));
    EXPECT_TRUE(fs::exists(directory / "outside" / "precious"));
}

TEST_F(ARemnant, LosesATreeOfAnyDepth) {
    fs::create_directory(directory / "tree");
    int current = ::open((directory / "tree").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // Deeper than PATH_MAX, than descriptors, and than a stack for a recursion.
    for (int depth = 0; depth < 2000; ++depth) {
        ::mkdirat(current, "directory", 0700);
        const int next = ::openat(current, "directory", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ::close(current);
        current = next;
    }
    ::close(current);
    note("tree " + (directory / "tree").string() + "\n");

    EXPECT_EQ(undo(run_directory).status, 0);
    EXPECT_EQ(names_in(directory), std::set<std::string>{"machines"});
}

TEST_F(ARemnant, LosesFilesThatAreMarkedImmutable) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    fs::create_directories(directory / "tree" / "a" / "b");
    std::ofstream{directory / "tree" / "a" / "b" / "file"};
    for (const char* name : {"tree/a/b/file", "tree/a/b"}) {
        const UniqueFd file{::open((directory / name).c_str(), O_RDONLY | O_CLOEXEC)};
        int flags = FS_IMMUTABLE_FL;
        if (::ioctl(file.get(), FS_IOC_SETFLAGS, &flags) < 0)
            GTEST_SKIP() << "the filesystem has no such flag";
    }
    note("tree " + (directory / "tree").string() + "\n");

    EXPECT_EQ(undo(run_directory).status, 0);
    EXPECT_EQ(names_in(directory), std::set<std::string>{"machines"});
}

TEST_F(ARemnant, DoesNotEmptyWhatIsMountedInATree) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    fs::create_directories(directory / "outside" / "precious" / "more");
    fs::create_directories(directory / "tree" / "a" / "mounted");
    // The same filesystem: its device number does not tell.
    ASSERT_EQ(
        ::mount((directory / "outside").c_str(), (directory / "tree/a/mounted").c_str(), nullptr, MS_BIND, nullptr), 0);
    note("tree " + (directory / "tree").string() + "\n");

    const Result result = undo(run_directory);

    EXPECT_EQ(result.status, 1);
    EXPECT_TRUE(fs::exists(directory / "outside" / "precious" / "more"));
    // What is left stays on record, and goes once it can.
    for (const std::string& name : names_in(directory))
        if (name.starts_with(".#removed."))
            for (const auto& entry : fs::recursive_directory_iterator{directory / name})
                ::umount2(entry.path().c_str(), MNT_DETACH);
    ASSERT_EQ(names_in(directory / "machines").size(), 1U);
    const fs::path aside = directory / "machines" / *names_in(directory / "machines").begin();
    EXPECT_THAT(aside.filename().string(), StartsWith(".#removed."));
    EXPECT_EQ(undo(aside).status, 0);
    EXPECT_EQ(names_in(directory), (std::set<std::string>{"machines", "outside"}));
    EXPECT_TRUE(is_gone());
}

TEST_F(ARemnant, SaysWhatItCouldNotUndoAndGoesOn) {
    std::ofstream{directory / "file"};
    note("unlink " + (directory / "file").string() + "\nconjure /something\nunlink relative/path\n");

    const Result result = undo(run_directory);

    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.errors, HasSubstr("undo 'conjure /something'"));
    EXPECT_THAT(result.errors, HasSubstr("undo 'unlink relative/path'"));
    EXPECT_FALSE(fs::exists(directory / "file"));
    EXPECT_FALSE(fs::exists(run_directory));
}

// Field 22 of its stat.
std::string start_time(pid_t process) {
    std::istringstream stat{text_of("/proc/" + std::to_string(process) + "/stat")};
    std::string word;
    for (int field = 1; field <= 22; ++field)
        stat >> word;
    return word;
}

class ARemnantWithALiveLeader : public ARemnant {
protected:
    ARemnantWithALiveLeader() : leader(::fork()) {
        if (leader == 0)
            for (;;)
                ::pause();
        pidfd = UniqueFd{sys::pidfd_open(leader, 0)};
        struct statfs filesystem {};
        struct stat status {};
        ::fstatfs(pidfd.get(), &filesystem);
        ::fstat(pidfd.get(), &status);
        inode = filesystem.f_type == 0x50494446 ? status.st_ino : 0;
    }
    ~ARemnantWithALiveLeader() override {
        ::kill(leader, SIGKILL);
        ::waitpid(leader, nullptr, 0);
    }
    void record(ino_t recorded_inode, const std::string& time) const {
        std::ofstream{run_directory / "leader"} << leader << " " << recorded_inode << " " << time << "\n";
    }
    [[nodiscard]] bool leader_lives() const {
        siginfo_t end{};
        return ::waitid(P_PID, static_cast<id_t>(leader), &end, WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_pid == 0;
    }

    pid_t leader;
    UniqueFd pidfd;
    ino_t inode = 0;
};

TEST_F(ARemnantWithALiveLeader, KillsIt) {
    record(inode, start_time(leader));

    EXPECT_EQ(undo(run_directory).status, 0);

    EXPECT_FALSE(leader_lives());
}

TEST_F(ARemnantWithALiveLeader, KillsItByItsStartTimeWhereThereIsNoInode) {
    record(0, start_time(leader));

    EXPECT_EQ(undo(run_directory).status, 0);

    EXPECT_FALSE(leader_lives());
}

TEST_F(ARemnantWithALiveLeader, SparesAnotherProcessOfTheSameNumber) {
    record(inode == 0 ? 0 : inode + 1, inode == 0 ? "1" : start_time(leader));

    EXPECT_EQ(undo(run_directory).status, 0);

    EXPECT_TRUE(leader_lives());
    EXPECT_TRUE(is_gone());
}

TEST_F(ARemnant, TakesItsLockFilesAwayUnlessOthersHoldThem) {
    std::ofstream{directory / "free"};
    std::ofstream{directory / "held"};
    const UniqueFd lock{::open((directory / "held").c_str(), O_RDWR | O_CLOEXEC)};
    ASSERT_EQ(::flock(lock.get(), LOCK_SH), 0);
    for (const char* name : {"free", "held", "missing"})
        note("lock " + (directory / name).string() + "\n");

    const Result result = undo(run_directory);

    EXPECT_EQ(result.status, 0) << result.errors;
    EXPECT_EQ(names_in(directory), (std::set<std::string>{"held", "machines"}));
}

TEST_F(ARemnant, KeepsACgroupThatOtherMachinesUse) {
    const fs::path slice = own_cgroup() / ("machinist-test-" + std::to_string(::getpid()) + ".slice");
    if (own_cgroup().empty() || ::mkdir(slice.c_str(), 0755) < 0)
        GTEST_SKIP() << "needs a writable cgroup2";
    fs::create_directory(slice / "another");
    note("rmdir " + slice.string() + "\n");

    const Result result = undo(run_directory);

    EXPECT_EQ(result.status, 0) << result.errors;
    EXPECT_TRUE(fs::exists(slice / "another"));
    EXPECT_TRUE(is_gone());
    ::rmdir((slice / "another").c_str());
    ::rmdir(slice.c_str());
}

TEST_F(ARemnant, LosesItsCgroupWithEverythingInIt) {
    const fs::path parent = own_cgroup();
    const fs::path group = parent / ("machinist-test-" + std::to_string(::getpid()));
    if (parent.empty() || ::mkdir(group.c_str(), 0755) < 0)
        GTEST_SKIP() << "needs a writable cgroup2";
    fs::path deepest = group;
    for (int depth = 0; depth < 10; ++depth) {
        deepest /= "nested";
        fs::create_directory(deepest);
        fs::create_directory(deepest.parent_path() / "beside");
    }
    const pid_t inhabitant = ::fork();
    if (inhabitant == 0)
        for (;;)
            ::pause();
    std::ofstream{deepest / "cgroup.procs"} << inhabitant << std::flush;
    note("cgroup " + group.string() + "\n");

    const Result result = undo(run_directory);

    EXPECT_EQ(result.status, 0) << result.errors;
    EXPECT_FALSE(fs::exists(group));
    int status = 0;
    EXPECT_EQ(::waitpid(inhabitant, &status, 0), inhabitant);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

// The end of a kept machine uses the same engine.
TEST_F(AKeptMachine, IsUndoneAtItsEnd) {
    fs::create_directories(directory / "layer" / "upper" / "etc");
    std::ofstream{directory / "state"};
    use_lines_of_undo("tree " + (directory / "layer").string() + "\nunlink " + (directory / "state").string() + "\n");

    EXPECT_EQ(run([] { ::_exit(0); }), (Ended{true, 0}));

    EXPECT_THAT(names_in(directory), IsEmpty());
}

TEST_F(AKeptMachine, EndsBeforeALargeLayerIsDeletedAndFreesItsNameAtOnce) {
    // More than can be deleted while a caller waits.
    for (int folder = 0; folder < 100; ++folder) {
        const fs::path path = directory / "layer" / std::to_string(folder);
        fs::create_directories(path);
        const UniqueFd place{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        for (int file = 0; file < 250; ++file)
            ::mknodat(place.get(), std::to_string(file).c_str(), S_IFREG | 0600, 0);
    }
    use_lines_of_undo("tree " + (directory / "layer").string() + "\n");
    launch([] { ::_exit(0); });

    // Its streams end with it, not with the child that deletes.
    EXPECT_THAT(all_output(), IsEmpty());
    EXPECT_EQ(wait_for_end(), (Ended{true, 0}));
    EXPECT_FALSE(fs::exists(run_directory));
    EXPECT_FALSE(fs::exists(directory / "layer"));
    // The child holds the lock of what it deletes; when it is done there is nothing left.
    for (const std::string& name : names_in(directory)) {
        const UniqueFd lock{::open((directory / name / "lock").c_str(), O_RDWR | O_CLOEXEC)};
        if (lock) {
            ::flock(lock.get(), LOCK_EX);
            break;
        }
    }
    EXPECT_THAT(names_in(directory), IsEmpty());
}

} // namespace
} // namespace machinist
