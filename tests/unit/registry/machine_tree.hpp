// SPDX-License-Identifier: LGPL-2.1-or-later
// A temporary host for the registry: its directories, and processes that play leaders.
#pragma once

#include "kernel/file_locks.hpp"
#include "kernel/files.hpp"
#include "kernel/pidfd.hpp"
#include "kernel/pipe.hpp"
#include "kernel/process_status.hpp"
#include "registry/places.hpp"
#include "spec/machine_record.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

// A child that sleeps until it is told to end.
class ALeader {
public:
    ALeader() {
        // Until fork() has returned in it, the C library may have all signals of it blocked.
        const auto [reader, writer] = make_pipe();
        pid_ = ::fork();
        if (pid_ == 0) {
            (void)!::write(writer.get(), "", 1);
            while (true)
                ::pause();
        }
        pidfd_ = *Pidfd::open(pid_);
        char ready = 0;
        (void)!::read(reader.get(), &ready, 1);
    }
    ALeader(const ALeader&) = delete;
    ALeader& operator=(const ALeader&) = delete;
    ~ALeader() {
        end();
    }

    void end() {
        if (pid_ <= 0)
            return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    [[nodiscard]] pid_t pid() const {
        return pid_;
    }
    [[nodiscard]] std::uint64_t inode() const {
        return pidfd_.inode();
    }
    [[nodiscard]] std::string line() const {
        return std::to_string(pid_) + " " + std::to_string(inode()) + " " + std::to_string(*start_time_of(pid_)) + "\n";
    }

private:
    pid_t pid_;
    Pidfd pidfd_;
};

class MachineTree : public ::testing::Test {
protected:
    MachineTree() {
        std::string pattern = ::testing::TempDir() + "machinist-registry-XXXXXX";
        root = ::mkdtemp(pattern.data());
        places.runtime = root / "run";
        places.run_directories = root / "run/machines";
        places.state_files = root / "systemd/machines";
        places.layers = root / "layers";
        places.id_range_locks = root / "uid-locks";
        places.supervisor_program = root / "undo";
        for (const auto& directory : {places.run_directories, places.state_files, places.layers, places.id_range_locks})
            std::filesystem::create_directories(directory);
        // Undoes as far as these tests need it; the real one has tests of its own.
        write_atomically(places.supervisor_program, "#!/bin/sh\nrm -r \"$2\"\n", 0755);
    }
    ~MachineTree() override {
        std::filesystem::remove_all(root);
    }

    void state_file(const std::string& name, const ALeader& leader, const std::string& run_directory = "") {
        MachineRecord record;
        record.name = *MachineName::parse(name);
        record.service = "systemd-nspawn";
        record.leader = leader.pid();
        record.leader_pidfd_id = leader.inode();
        record.run_directory = run_directory;
        write_atomically(places.state_files / name, write_machine_record(record), 0644);
    }

    std::filesystem::path run_directory(const std::string& key, const ALeader& leader) {
        const auto path = places.run_directories / key;
        std::filesystem::create_directory(path);
        write_atomically(path / "lock", "", 0600);
        write_atomically(path / "leader", leader.line(), 0600);
        return path;
    }

    static UniqueFd keep(const std::filesystem::path& run_directory) {
        UniqueFd lock = open_path(run_directory / "lock", O_RDWR);
        EXPECT_EQ(::flock(lock.get(), LOCK_EX | LOCK_NB), 0);
        return lock;
    }

    std::filesystem::path root;
    Places places;
};

} // namespace machinist
