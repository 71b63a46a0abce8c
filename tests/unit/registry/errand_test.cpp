// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "kernel/pty.hpp"
#include "played_machine.hpp"
#include "registry/running_errand.hpp"

#include <chrono>
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

namespace machinist {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class AnErrand : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root to make and enter namespaces";
        std::string pattern = ::testing::TempDir() + "machinist-errand-XXXXXX";
        host = ::mkdtemp(pattern.data());
        places.enter_program = ENTER_PROGRAM;
        arranged([] {});
    }
    void TearDown() override {
        played.reset();
        if (!host.empty())
            std::filesystem::remove_all(host);
    }
    void arranged(const std::function<void()>& arrange) {
        played.reset();
        played.emplace(arrange);
        machine.record.name = *MachineName::parse("web");
        machine.leader = *Pidfd::open(played->pid());
    }

    ErrandAnswer run(const Errand& errand) {
        return run_errand(machine, errand, places, 20s);
    }
    FailureKind failure_of(const Errand& errand) {
        try {
            run(errand);
        } catch (const Failure& failure) {
            said = failure.what();
            return failure.kind();
        }
        ADD_FAILURE() << "it did not fail";
        return FailureKind::internal;
    }
    Errand copy_to(const std::string& source, const std::string& destination) const {
        return {.kind = ErrandKind::copy_to, .words = {(host / source).string(), destination}};
    }
    Errand copy_from(const std::string& source, const std::string& destination) const {
        return {.kind = ErrandKind::copy_from, .words = {source, (host / destination).string()}};
    }
    Errand bind(const std::string& source, const std::string& destination) const {
        return {.kind = ErrandKind::bind, .words = {(host / source).string(), destination}, .make = true};
    }
    // What a shell in the machine prints.
    std::string inside(const std::string& script) {
        return Enter{*played}.shell(script).output;
    }
    [[nodiscard]] std::string on_host(const std::string& path) const {
        return read_file(host / path);
    }
    void make(const std::string& path, const std::string& text, mode_t mode = 0644) {
        std::filesystem::create_directories((host / path).parent_path());
        write_atomically(host / path, text, mode);
    }

    std::filesystem::path host;
    Places places;
    Machine machine;
    std::optional<PlayedMachine> played;
    std::string said;
};

TEST_F(AnErrand, CopiesAFileIntoTheMachineAsItsRoots) {
    make("file", "text\n", 0640);
    ASSERT_EQ(::chown((host / "file").c_str(), 1000, 1000), 0);

    run(copy_to("file", "/srv/new/name"));

    EXPECT_EQ(inside("cat /srv/new/name; stat -c '%u %g %a' /srv/new/name /srv/new"), "text\n0 0 640\n0 0 755\n");
}

TEST_F(AnErrand, CopiesATreeWithItsLinksTimesAndHoles) {
    make("tree/one", "1");
    std::filesystem::create_hard_link(host / "tree/one", host / "tree/two");
    std::filesystem::create_symlink("/etc/shadow", host / "tree/link");
    make("tree/sub/deep/file", "deep");
    make("tree/hole", "");
    std::filesystem::resize_file(host / "tree/hole", std::uintmax_t{64} << 20);
    ASSERT_EQ(::mkfifo((host / "tree/fifo").c_str(), 0600), 0);
    const timespec times[2]{{1000, 0}, {1234567890, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (host / "tree/one").c_str(), times, 0), 0);

    run(copy_to("tree", "/tmp/tree"));

    EXPECT_EQ(inside("cd /tmp/tree; stat -c '%h %Y' one; test one -ef two && echo same; readlink link; "
                     "cat sub/deep/file; stat -c ' %s %b %F' hole fifo"),
              "2 1234567890\nsame\n/etc/shadow\ndeep 67108864 0 regular file\n 0 0 fifo\n");
}

TEST_F(AnErrand, CopiesOutOfTheMachineAsTheHostsRoots) {
    inside("mkdir -p /srv/tree; echo text >/srv/tree/file; chown 1001 /srv/tree/file; chmod 6755 /srv/tree/file");

    run(copy_from("/srv/tree", "new/tree"));

    const struct stat status = status_of(open_path(host / "new/tree/file", O_PATH));
    EXPECT_EQ(on_host("new/tree/file"), "text\n");
    EXPECT_EQ(status.st_uid, 0u);
    EXPECT_EQ(status.st_mode & 07777, 0755u);
}

TEST_F(AnErrand, ReplacesFilesOnlyWhenTold) {
    make("file", "new");
    inside("echo -n old >/tmp/file");

    EXPECT_EQ(failure_of(copy_to("file", "/tmp/file")), FailureKind::already_exists);
    EXPECT_EQ(inside("cat /tmp/file"), "old");

    Errand replacing = copy_to("file", "/tmp/file");
    replacing.replace = true;
    run(replacing);
    EXPECT_EQ(inside("cat /tmp/file; ls -A /tmp"), "newfile\n");
}

TEST_F(AnErrand, MergesDirectories) {
    make("tree/new", "n");
    inside("mkdir /tmp/tree; chmod 700 /tmp/tree; touch /tmp/tree/old");

    run(copy_to("tree", "/tmp/tree"));

    EXPECT_EQ(inside("ls /tmp/tree; stat -c %a /tmp/tree"), "new\nold\n700\n");
}

TEST_F(AnErrand, CopiesToWhereTheMachinesLinksLeadInTheMachine) {
    make("file", "text");
    const std::filesystem::path outside = host / "outside";
    std::filesystem::create_directory(outside);
    inside("ln -s " + outside.string() + " /srv; ln -s /tmp /link");

    EXPECT_EQ(failure_of(copy_to("file", "/srv/file")), FailureKind::not_found);
    run(copy_to("file", "/link/file"));

    EXPECT_TRUE(std::filesystem::is_empty(outside));
    EXPECT_EQ(inside("cat /tmp/file"), "text");
}

TEST_F(AnErrand, DoesNotWriteThroughALinkInPlaceOfTheFile) {
    make("file", "text");
    inside("echo -n victim >/tmp/victim; ln -s victim /tmp/file");

    Errand replacing = copy_to("file", "/tmp/file");
    replacing.replace = true;
    run(replacing);

    EXPECT_EQ(inside("cat /tmp/victim /tmp/file"), "victimtext");
}

TEST_F(AnErrand, CopiesNothingFromOrToTheKernelsFiles) {
    make("file", "text");
    inside("ln -s /proc/sys/kernel /srv");

    EXPECT_EQ(failure_of(copy_to("file", "/srv/core_pattern")), FailureKind::not_supported);
    EXPECT_EQ(failure_of(copy_from("/proc/1/status", "status")), FailureKind::not_supported);
    EXPECT_THAT(said, HasSubstr("procfs"));
}

TEST_F(AnErrand, CopiesNoDeviceNodes) {
    ASSERT_EQ(::mknod((host / "node").c_str(), S_IFCHR | 0600, 0x103), 0);

    EXPECT_EQ(failure_of(copy_to("node", "/tmp/node")), FailureKind::not_supported);
    EXPECT_EQ(inside("ls -A /tmp"), "");
}

TEST_F(AnErrand, LeavesPseudoFilesystemsOfATreeEmpty) {
    inside("mkdir /srv; cp /etc/passwd /srv");
    arranged([] {
        must(::mkdir("/srv", 0755) == 0 && ::mkdir("/srv/proc", 0755) == 0 &&
                 ::mount("proc", "/srv/proc", "proc", 0, nullptr) == 0,
             "mount in the tree");
    });

    run(copy_from("/srv", "srv"));

    EXPECT_TRUE(std::filesystem::is_empty(host / "srv/proc"));
}

TEST_F(AnErrand, RefusesPathsThatAreNone) {
    make("file", "text");

    for (const char* path : {"", "relative", "/up/../out", "/"})
        EXPECT_EQ(failure_of(copy_to("file", path)), FailureKind::invalid) << path;
    EXPECT_EQ(failure_of(copy_to("file", "/" + std::string(5000, 'x'))), FailureKind::invalid);
    EXPECT_EQ(failure_of(copy_to("missing", "/tmp/file")), FailureKind::not_found);
    EXPECT_EQ(failure_of({.kind = ErrandKind::copy_to, .words = {"relative", "/tmp/x"}}), FailureKind::invalid);
}

TEST_F(AnErrand, BindsADirectoryWithItsOwnersMapped) {
    make("shared/file", "text\n");

    run(bind("shared", "/srv/shared"));

    EXPECT_EQ(inside("cat /srv/shared/file; stat -c %u /srv/shared/file; echo back >/srv/shared/made"), "text\n0\n");
    EXPECT_EQ(on_host("shared/made"), "back\n");
    EXPECT_EQ(status_of(open_path(host / "shared/made", O_PATH)).st_uid, 0u);
}

TEST_F(AnErrand, BindsWhatIsKnownByItsDescriptorAndGivesItsRangeOfOwners) {
    constexpr uid_t foreign = 2147352576;
    make("shared/file", "text\n");
    ASSERT_EQ(::chown((host / "shared").c_str(), foreign, foreign), 0);
    ASSERT_EQ(::chown((host / "shared/file").c_str(), foreign + 1, foreign + 2), 0);
    const UniqueFd opened = open_path(host / "shared", O_PATH | O_DIRECTORY);
    const std::string first = std::to_string(foreign);
    Errand errand = bind("shared", "/srv/shared");
    errand.words = {"/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(opened.get()), "/srv/shared", first,
                    first};

    run(errand);

    EXPECT_EQ(inside("stat -c %u:%g /srv/shared /srv/shared/file; echo back >/srv/shared/made"), "0:0\n1:2\n");
    EXPECT_EQ(status_of(open_path(host / "shared/made", O_PATH)).st_uid, foreign);
    errand.words[3] = "4294901760";
    EXPECT_EQ(failure_of(errand), FailureKind::invalid);
}

TEST_F(AnErrand, BindsReadOnlyForGood) {
    make("shared/file", "text\n");
    Errand errand = bind("shared", "/srv/shared");
    errand.read_only = true;

    run(errand);

    EXPECT_EQ(inside("echo x 2>/dev/null >/srv/shared/made || echo refused; "
                     "mount -o remount,bind,rw /srv/shared 2>/dev/null || echo locked; "
                     "echo x 2>/dev/null >/srv/shared/file || echo refused"),
              "refused\nlocked\nrefused\n");
    EXPECT_EQ(on_host("shared/file"), "text\n");
}

TEST_F(AnErrand, BindsAFile) {
    make("file", "text\n");

    run(bind("file", "/srv/deep/file"));

    EXPECT_EQ(inside("cat /srv/deep/file"), "text\n");
}

TEST_F(AnErrand, BindsOnlyOnWhatIsThereAndOfItsKind) {
    make("shared/file", "text\n");
    inside("touch /tmp/file");
    Errand errand = bind("shared", "/srv/shared");
    errand.make = false;

    EXPECT_EQ(failure_of(errand), FailureKind::not_found);
    EXPECT_EQ(failure_of(bind("shared", "/tmp/file")), FailureKind::invalid);
    EXPECT_EQ(failure_of(bind("shared", "/")), FailureKind::invalid);
}

TEST_F(AnErrand, BindsWhereTheMachinesLinksLeadInTheMachine) {
    make("shared/file", "text\n");
    inside("ln -s " + host.string() + " /srv");

    (void)failure_of(bind("shared", "/srv/shared/x"));

    EXPECT_EQ(read_file("/proc/self/mounts").find(host.string()), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(host / "shared/x"));
}

TEST_F(AnErrand, KeepsMountsMadeInsideOffTheHost) {
    make("shared/sub/file", "text\n");
    run(bind("shared", "/srv/shared"));

    EXPECT_EQ(inside("mount -t tmpfs inside /srv/shared/sub && ls /srv/shared/sub"), "");

    EXPECT_EQ(on_host("shared/sub/file"), "text\n");
}

TEST_F(AnErrand, TakesABindAway) {
    make("shared/file", "text\n");
    run(bind("shared", "/srv/shared"));

    run({.kind = ErrandKind::unbind, .words = {"/srv/shared"}});

    EXPECT_EQ(inside("ls -A /srv/shared"), "");
    EXPECT_EQ(failure_of({.kind = ErrandKind::unbind, .words = {"/srv/shared"}}), FailureKind::not_found);
}

TEST_F(AnErrand, OpensATerminalOfTheMachine) {
    const ErrandAnswer answer = run({.kind = ErrandKind::pty});

    ASSERT_EQ(answer.descriptors.size(), 1u);
    EXPECT_EQ(answer.text, "/dev/pts/" + std::to_string(pty_number(answer.descriptors[0])));
    EXPECT_EQ(inside("stat -c %u " + answer.text), "0\n");
    // Nobody had it open yet, so nobody has hung up.
    pollfd state{.fd = answer.descriptors[0].get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&state, 1, 0), 0);
}

TEST_F(AnErrand, LeavesACommandOnATerminal) {
    const ErrandAnswer answer = run_errand(machine, {.kind = ErrandKind::shell}, places, 20s,
                                           {.pty = true, .command = {"/bin/sh", "-c", "tty; id -u; read x"}});

    ASSERT_EQ(answer.descriptors.size(), 1u);
    std::string shown;
    char buffer[256];
    while (shown.find("0\r\n", shown.find('\n')) == std::string::npos) {
        const ssize_t count = ::read(answer.descriptors[0].get(), buffer, sizeof buffer);
        ASSERT_GT(count, 0) << shown;
        shown.append(buffer, static_cast<std::size_t>(count));
    }
    EXPECT_EQ(shown, answer.text + "\r\n0\r\n");
}

TEST_F(AnErrand, TellsWhyACommandCannotBeLeftOnATerminal) {
    EXPECT_THROW(run_errand(machine, {.kind = ErrandKind::shell}, places, 20s, {.pty = true, .command = {"/no/such"}}),
                 Failure);
}

TEST_F(AnErrand, OpensTheMachinesRootDirectory) {
    inside("echo mine >/tmp/mine");

    const ErrandAnswer answer = run({.kind = ErrandKind::root});

    ASSERT_EQ(answer.descriptors.size(), 1u);
    EXPECT_EQ(read_all(open_beneath(answer.descriptors[0], "tmp/mine", O_RDONLY, Links::refuse)), "mine\n");
}

TEST_F(AnErrand, ReadsTheFirstFileThatIsThere) {
    inside("mkdir -p /usr/lib 2>/dev/null; echo ID=mine >/etc/os-release");

    EXPECT_EQ(run({.kind = ErrandKind::read, .words = {"/no/such", "/etc/os-release"}}).text, "ID=mine\n");
    EXPECT_EQ(failure_of({.kind = ErrandKind::read, .words = {"/no/such"}}), FailureKind::not_found);
}

TEST_F(AnErrand, DoesNotWaitForAFifoInPlaceOfAFile) {
    inside("mkfifo /etc/os-release /tmp/fifo");

    EXPECT_EQ(failure_of({.kind = ErrandKind::read, .words = {"/etc/os-release"}}), FailureKind::hostile);
}

TEST_F(AnErrand, SaysThatThereIsNoBus) {
    EXPECT_EQ(failure_of({.kind = ErrandKind::bus}), FailureKind::not_found);
    inside("mkdir -p /run/dbus; touch /run/dbus/system_bus_socket");
    EXPECT_EQ(failure_of({.kind = ErrandKind::bus}), FailureKind::hostile);
}

TEST_F(AnErrand, EndsWhenNobodyWaitsForItAnyMore) {
    const auto began = std::chrono::steady_clock::now();
    { const RunningErrand errand{machine, {.kind = ErrandKind::root}, places}; }
    EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
}

TEST_F(AnErrand, IsNotDoneInAMachineThatHasEnded) {
    played->end();

    EXPECT_EQ(failure_of({.kind = ErrandKind::root}), FailureKind::not_found);
}

} // namespace machinist
