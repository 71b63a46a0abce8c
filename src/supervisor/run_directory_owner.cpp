// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/run_directory_owner.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/pidfd.hpp"
#include "kernel/process.hpp"
#include "spec/run_directory.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::chrono::seconds longest_wait_for_an_end{5}; // for a machine whose process 1 has ended already
constexpr std::chrono::milliseconds wait_step{10};

Failure exists_already(const std::string& key) {
    return Failure{FailureKind::already_exists, "machine '" + key.substr(0, key.find('@')) + "' already exists"}
        .try_instead("another --machine=NAME, or 'machinist terminate' first");
}

bool leader_lives(BorrowedFd directory) {
    const UniqueFd file{::openat(directory.get(), "leader", O_RDONLY | O_CLOEXEC)};
    int pid = 0;
    if (!file || std::sscanf(read_all(file, 256).c_str(), "%d", &pid) != 1 || pid <= 0)
        return true; // not written yet: it is being started
    const auto leader = Pidfd::open(pid);
    return leader && leader->alive();
}

// While we waited for the lock, the directory may have been removed and made anew by somebody else.
bool is_still_there(const std::filesystem::path& path, BorrowedFd directory, BorrowedFd lock) {
    struct stat by_name {};
    struct stat lock_by_name {};
    return ::stat(path.c_str(), &by_name) == 0 && by_name.st_ino == status_of(directory).st_ino &&
           ::fstatat(directory.get(), "lock", &lock_by_name, 0) == 0 && lock_by_name.st_ino == status_of(lock).st_ino;
}

bool holds_a_remnant(BorrowedFd directory) {
    return ::faccessat(directory.get(), "undo", F_OK, 0) == 0;
}

void undo_remnant(const std::filesystem::path& path, const std::filesystem::path& undo_program) {
    const ProgramResult result = run_program({undo_program.string(), "--undo", path.string()});
    if (result.status != 0)
        throw Failure{FailureKind::busy, "remove what an ended machine left in '" + path.string() + "'"}.try_instead(
            "'machinist doctor'");
}

} // namespace

RunDirectory RunDirectory::acquire(const std::string& key, const std::filesystem::path& undo_program) {
    RunDirectory taken;
    taken.path_ = run_directory::path(key);
    make_directories(run_directory::root, 0700);
    for (std::chrono::milliseconds waited{};;) {
        if (::mkdir(taken.path_.c_str(), 0700) < 0 && errno != EEXIST)
            throw system_failure("make directory '" + taken.path_.string() + "'");
        taken.directory_ = UniqueFd{::open(taken.path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
        if (!taken.directory_)
            continue;
        taken.lock_ =
            UniqueFd{::openat(taken.directory_.get(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
        if (!taken.lock_)
            continue;
        if (::flock(taken.lock_.get(), LOCK_EX | LOCK_NB) < 0) {
            if (leader_lives(taken.directory_) || waited >= longest_wait_for_an_end)
                throw exists_already(key);
            std::this_thread::sleep_for(wait_step);
            waited += wait_step;
            continue;
        }
        if (!is_still_there(taken.path_, taken.directory_, taken.lock_))
            continue;
        if (!holds_a_remnant(taken.directory_))
            return taken;
        taken.lock_.reset();
        undo_remnant(taken.path_, undo_program);
    }
}

RunDirectory RunDirectory::adopt(UniqueFd directory, UniqueFd lock, std::filesystem::path path, std::string undo) {
    RunDirectory adopted;
    adopted.directory_ = std::move(directory);
    adopted.lock_ = std::move(lock);
    adopted.path_ = std::move(path);
    adopted.undo_ = std::move(undo);
    return adopted;
}

void RunDirectory::will_undo(const std::string& line) {
    if (line.find('\n') != std::string::npos)
        throw Failure{FailureKind::invalid, "note '" + line + "' for later: a path with a line break is not taken"};
    // A machine that starts again meets what it noted at its first start.
    if (("\n" + undo_).find("\n" + line + "\n") != std::string::npos)
        return;
    undo_ += line + "\n";
    if (!undo_file_)
        undo_file_ =
            UniqueFd{::openat(directory_.get(), "undo", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!undo_file_)
        throw system_failure("open '" + (path_ / "undo").string() + "'");
    write_all(undo_file_, line + "\n");
}

void RunDirectory::will_undo(const std::vector<std::string>& lines) {
    for (const std::string& line : lines)
        will_undo(line);
}

void RunDirectory::write(const std::string& name, std::string_view text) const {
    write_atomically(path_ / name, text, 0600);
}

void RunDirectory::link(const std::string& name, const std::string& target) const {
    ::unlinkat(directory_.get(), name.c_str(), 0);
    if (::symlinkat(target.c_str(), directory_.get(), name.c_str()) < 0)
        throw system_failure("make link '" + (path_ / name).string() + "'");
}

} // namespace machinist
