// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts machines from images of the pool: by their units where systemd runs, else by itself.
#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/image_verbs.hpp"
#include "image/instances.hpp"
#include "image/pool.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"
#include "kernel/syscalls.hpp"
#include "machinist_config.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace machinist {

namespace {

std::string launcher() {
    std::error_code ignored;
    const auto own = std::filesystem::read_symlink("/proc/self/exe", ignored);
    const auto built = own.parent_path().parent_path() / "machinist";
    return ::access(built.c_str(), X_OK) == 0 ? built.string() : std::string{MACHINIST_BIN} + "/machinist";
}

bool has_systemd() {
    return ::access("/run/systemd/system", F_OK) == 0;
}

void start_by_unit(const MachineName& name) {
    const std::string unit = "machinist@" + name.text() + ".service";
    if (run_program({"systemctl", "start", "--", unit}).status != 0)
        throw Failure{FailureKind::system, "start unit '" + unit + "': systemctl has said why"};
}

// What it says is kept in memory until the machine runs: then nobody reads any more.
[[noreturn]] void become_launcher(const std::string& program, const MachineName& name, BorrowedFd messages) {
    ::setsid();
    int ends[2];
    const int nothing = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    // An input that has ended; never a device of the host.
    if (::pipe2(ends, O_CLOEXEC) == 0 && ::dup2(ends[0], STDIN_FILENO) >= 0 && ::dup2(nothing, STDOUT_FILENO) >= 0 &&
        ::dup2(messages.get(), STDERR_FILENO) >= 0) {
        sys::close_range(3, ~0U, 0);
        const std::string machine = "--machine=" + name.text();
        ::execl(program.c_str(), "machinist", "run", "--quiet", "--boot", "--link-journal=try-guest",
                "--settings=override", "--console=pipe", machine.c_str(), nullptr);
    }
    ::_exit(127);
}

void start_by_itself(const MachineStore& machines, const MachineName& name) {
    const UniqueFd messages{::memfd_create("messages", MFD_CLOEXEC)};
    const std::string program = launcher();
    const pid_t child = messages ? ::fork() : -1;
    if (child < 0)
        throw system_failure("start '" + program + "'");
    if (child == 0)
        become_launcher(program, name, messages);
    constexpr auto step = std::chrono::milliseconds{2};
    for (;; std::this_thread::sleep_for(step)) {
        int status = 0;
        if (::waitpid(child, &status, WNOHANG) == child) {
            ::lseek(messages.get(), 0, SEEK_SET);
            const std::string said{trimmed(read_all(messages, 65536))};
            throw Failure{FailureKind::system, "start machine '" + name.text() + "'" +
                                                   (said.empty() ? "" : ": " + escaped_for_people(said))};
        }
        const auto machine = machines.find(name);
        if (machine && !machine->opening)
            return;
    }
}

MachineName machine_name_of(const std::string& image) {
    const auto name = MachineName::parse(image);
    if (!name)
        throw Failure{FailureKind::invalid, "start '" + escaped_for_people(image) + "': it is no name for a machine"};
    return *name;
}

} // namespace

int start_machines(const Invocation& call, const MachineStore& machines) {
    const Pool pool;
    std::vector<std::string> images;
    for (const std::string& word : call.words) {
        (void)machine_name_of(word);
        const std::string image = pool.get(word).name;
        if (!call.instances) {
            images.push_back(image);
            continue;
        }
        for (std::string& instance : make_instances(pool, image, *call.instances))
            images.push_back(std::move(instance));
    }
    bool all_run = true;
    for (const std::string& image : images) {
        try {
            const MachineName name = machine_name_of(image);
            if (machines.find(name))
                throw Failure{FailureKind::already_exists, "start machine '" + image + "': it runs already"};
            if (has_systemd())
                start_by_unit(name);
            else
                start_by_itself(machines, name);
        } catch (const Failure& failure) {
            std::fprintf(stderr, "machinist: %s\n", failure.what());
            all_run = false;
        }
    }
    return all_run ? 0 : 1;
}

} // namespace machinist
