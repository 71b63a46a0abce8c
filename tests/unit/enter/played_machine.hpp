// SPDX-License-Identifier: LGPL-2.1-or-later
// A process with namespaces, users and a root of its own that plays a machine's process 1; and what is run in it by
// machinist-enter.
#pragma once

#include "base/unique_fd.hpp"
#include "kernel/files.hpp"
#include "kernel/pidfd.hpp"
#include "kernel/syscalls.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <optional>
#include <poll.h>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <vector>

namespace machinist {

inline void must(bool success, const char* what) {
    if (!success) {
        std::perror(what);
        ::_exit(99);
    }
}

class PlayedMachine {
public:
    static constexpr unsigned base = 300000; // where its user 0 lies on the host

    // arrange: last changes to the tree, made in it as its root, before it is complete.
    explicit PlayedMachine(const std::function<void()>& arrange = [] {}) {
        std::string pattern = ::testing::TempDir() + "machinist-enter-XXXXXX";
        top_ = ::mkdtemp(pattern.data());
        ::chmod(top_.c_str(), 0755);
        int ready[2];
        int mapped[2];
        must(::pipe2(ready, O_CLOEXEC) == 0 && ::pipe2(mapped, O_CLOEXEC) == 0, "pipe");
        clone_args arguments{};
        arguments.flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;
        arguments.exit_signal = SIGCHLD;
        pid_ = sys::clone3(arguments);
        must(pid_ >= 0, "clone3");
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::close(mapped[1]);
            char byte = 0;
            (void)!::read(mapped[0], &byte, 1);
            build(arrange);
            (void)!::write(ready[1], &byte, 1);
            while (true)
                ::pause();
        }
        const std::string map = "0 " + std::to_string(base) + " 65536";
        const std::string process = "/proc/" + std::to_string(pid_);
        for (const char* file : {"/uid_map", "/gid_map"})
            write_all(open_path(process + file, O_WRONLY), map);
        ::close(mapped[0]);
        ::close(mapped[1]);
        ::close(ready[1]);
        char byte = 0;
        EXPECT_EQ(::read(ready[0], &byte, 1), 1) << "the machine was not built";
        ::close(ready[0]);
    }
    PlayedMachine(const PlayedMachine&) = delete;
    PlayedMachine& operator=(const PlayedMachine&) = delete;
    ~PlayedMachine() {
        end();
        std::filesystem::remove(top_);
    }

    void end() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        pid_ = -1;
    }
    [[nodiscard]] pid_t pid() const {
        return pid_;
    }

private:
    void build(const std::function<void()>& arrange) const {
        must(::setresgid(0, 0, 0) == 0 && ::setresuid(0, 0, 0) == 0, "become root");
        must(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "make private");
        must(::mount("root", top_.c_str(), "tmpfs", 0, "mode=0755") == 0 && ::chdir(top_.c_str()) == 0,
             "mount the root");
        for (const char* directory :
             {"usr", "proc", "dev", "dev/pts", "etc", "root", "tmp", "home", "home/alice", "old"})
            must(::mkdir(directory, 0755) == 0, directory);
        must(::chmod("tmp", 01777) == 0, "tmp");
        must(::mount("/usr", "usr", nullptr, MS_BIND | MS_REC, nullptr) == 0, "bind /usr");
        for (const char* link : {"bin", "sbin", "lib", "lib64"})
            must(::symlink((std::string{"usr/"} + link).c_str(), link) == 0, link);
        must(::mount("proc", "proc", "proc", 0, nullptr) == 0, "mount proc");
        must(::mount("devpts", "dev/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=0620") == 0, "mount devpts");
        write_atomically(
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\n1000:x:0:0::/:/bin/sh\nalice:x:1001:1001::/home/alice:/bin/sh\n", 0644);
        write_atomically("etc/group", "root:x:0:\nstaff:x:50:alice\n", 0644);
        must(::chown("home/alice", 1001, 1001) == 0, "chown");
        must(::syscall(SYS_pivot_root, ".", "old") == 0 && ::chdir("/") == 0, "pivot_root");
        must(::umount2("/old", MNT_DETACH) == 0, "detach the host");
        must(::prctl(PR_CAPBSET_DROP, 16 /* CAP_SYS_MODULE */, 0, 0, 0) == 0, "drop a capability");
        arrange();
    }

    std::filesystem::path top_;
    pid_t pid_ = -1;
};

struct Ran {
    int status = 0;
    std::string output;
    std::string errors;
};

// One run of machinist-enter.
class Enter {
public:
    explicit Enter(const PlayedMachine& machine) : machine_(Pidfd::open(machine.pid())), leader_(machine.pid()) {}

    Enter& with(std::string option) {
        options_.push_back(std::move(option));
        return *this;
    }
    Enter& reading(std::string input) {
        input_ = std::move(input);
        return *this;
    }
    // stdin is this file instead.
    Enter& from(int file) {
        from_ = file;
        return *this;
    }
    // Called with the process of machinist-enter once it runs.
    Enter& meanwhile(std::function<void(pid_t)> act) {
        meanwhile_ = std::move(act);
        return *this;
    }

    Ran run(const std::vector<std::string>& command) {
        int input[2];
        int output[2];
        int errors[2];
        must(::pipe2(input, O_CLOEXEC) == 0 && ::pipe2(output, O_CLOEXEC) == 0 && ::pipe2(errors, O_CLOEXEC) == 0,
             "pipe");
        const pid_t pid = ::fork();
        if (pid == 0) {
            ::dup2(from_ >= 0 ? from_ : input[0], 0);
            ::dup2(output[1], 1);
            ::dup2(errors[1], 2);
            execute(command);
        }
        ::close(input[0]);
        ::close(output[1]);
        ::close(errors[1]);
        (void)!::write(input[1], input_.data(), input_.size());
        ::close(input[1]);
        if (meanwhile_)
            meanwhile_(pid);
        Ran ran;
        ran.output = read_all(UniqueFd{output[0]});
        ran.errors = read_all(UniqueFd{errors[0]});
        int status = 0;
        ::waitpid(pid, &status, 0);
        ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
        return ran;
    }
    Ran shell(const std::string& script) {
        return run({"/bin/sh", "-c", script});
    }

private:
    [[noreturn]] void execute(const std::vector<std::string>& command) {
        const int pidfd = machine_ ? ::fcntl(machine_->descriptor().get(), F_DUPFD, 3) : -1;
        std::vector<std::string> words{"machinist-enter", "--machine=web", "--pidfd=" + std::to_string(pidfd),
                                       "--leader=" + std::to_string(leader_)};
        words.insert(words.end(), options_.begin(), options_.end());
        if (!command.empty())
            words.emplace_back("--");
        words.insert(words.end(), command.begin(), command.end());
        std::vector<char*> pointers;
        for (std::string& word : words)
            pointers.push_back(word.data());
        pointers.push_back(nullptr);
        ::execv(ENTER_PROGRAM, pointers.data());
        ::_exit(98);
    }

    std::optional<Pidfd> machine_;
    pid_t leader_;
    std::vector<std::string> options_;
    std::string input_;
    int from_ = -1;
    std::function<void(pid_t)> meanwhile_;
};

} // namespace machinist
