// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/payload_program.hpp"

#include "base/failure.hpp"
#include "base/unique_fd.hpp"
#include "kernel/seccomp.hpp"
#include "kernel/syscalls.hpp"
#include "spec/payload_environment.hpp"
#include "supervisor/payload_user.hpp"
#include "supervisor/stub_init.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr int first_listen_fd = 3; // sd_listen_fds(3)

constexpr const char* init_paths[] = {"/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/sbin/init"};
// Debian's default shell for users, then what every system has.
constexpr const char* shell_paths[] = {"/bin/bash", "/bin/sh"};

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (const std::string& text : texts)
        pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

// True if another path may be tried; a program that is there and cannot run is a failure of its own.
bool is_missing(int error_number) {
    return error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP;
}

class Program {
public:
    Program(const PayloadSpec& payload, const Account& account, std::vector<std::string> environment)
        : payload_(payload), account_(account), environment_(std::move(environment)) {}

    // Returns only by a Failure.
    void execute() {
        if (payload_.mode == StartMode::boot)
            execute_init();
        else if (payload_.arguments.empty())
            execute_shell();
        else
            execute_command();
    }

private:
    void try_path(const std::string& path, const std::vector<std::string>& arguments) {
        ::execve(path.c_str(), pointers_to(arguments).data(), pointers_to(environment_).data());
    }

    void execute_init() {
        for (const char* path : init_paths) {
            std::vector<std::string> arguments{path};
            arguments.insert(arguments.end(), payload_.arguments.begin(), payload_.arguments.end());
            try_path(path, arguments);
            if (!is_missing(errno))
                throw system_failure(std::string{"execute '"} + path + "'");
        }
        throw Failure{FailureKind::not_found, "find an init to boot: the image has none of /usr/lib/systemd/systemd, "
                                              "/lib/systemd/systemd and /sbin/init"}
            .try_instead("a command instead of --boot");
    }

    void execute_shell() {
        const std::string own = account_.shell;
        for (const std::string& path : {own, std::string{shell_paths[0]}, std::string{shell_paths[1]}}) {
            if (path.empty())
                continue;
            try_path(path, {"-" + path.substr(path.rfind('/') + 1)});
            if (!is_missing(errno))
                throw system_failure("execute '" + path + "'");
        }
        throw Failure{FailureKind::not_found, "find a shell: the image has neither /bin/bash nor /bin/sh"};
    }

    std::string search_path() const {
        for (const std::string& entry : environment_)
            if (entry.starts_with("PATH="))
                return entry.substr(5);
        return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    }

    // As execvpe(3), but by the machine's PATH.
    void execute_command() {
        const std::string& command = payload_.arguments.front();
        if (command.find('/') != std::string::npos) {
            try_path(command, payload_.arguments);
            throw system_failure("execute '" + command + "'");
        }
        int worst = ENOENT;
        const std::string path = search_path();
        for (std::size_t start = 0; start <= path.size();) {
            const std::size_t end = std::min(path.find(':', start), path.size());
            try_path(path.substr(start, end - start) + "/" + command, payload_.arguments);
            if (!is_missing(errno))
                worst = errno;
            start = end + 1;
        }
        throw system_failure("execute '" + command + "'", worst);
    }

    const PayloadSpec& payload_;
    const Account& account_;
    std::vector<std::string> environment_;
};

void go_to_the_working_directory(const PayloadSpec& payload, const Account& account) {
    if (payload.working_directory) {
        if (::chdir(payload.working_directory->c_str()) < 0)
            throw system_failure("go to directory '" + payload.working_directory->string() + "'");
    } else if (payload.mode != StartMode::boot && ::chdir(account.home.c_str()) < 0 && ::chdir("/") < 0) {
        throw system_failure("go to directory '/'");
    }
}

void make_the_terminal_ours(const MachineSpec& spec) {
    if (spec.console != ConsoleMode::pipe && ::ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
        throw system_failure("make the console the controlling terminal");
}

void close_other_descriptors(int listen_fds) {
    for (int descriptor = first_listen_fd; descriptor < first_listen_fd + listen_fds; ++descriptor)
        if (::fcntl(descriptor, F_SETFD, 0) < 0)
            throw system_failure("hand on a socket");
    // Not closed but marked: the handshake's end must tell of the exec, and only of it.
    if (sys::close_range(static_cast<unsigned>(first_listen_fd + listen_fds), ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        throw system_failure("close all other descriptors");
}

void reset_signals() {
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Last of all: it counts for the next program that is executed, whatever happens before.
void label_the_next_program(const std::string& label) {
    if (label.empty())
        return;
    const UniqueFd attribute{::open("/proc/thread-self/attr/exec", O_WRONLY | O_CLOEXEC)};
    if (!attribute || ::write(attribute.get(), label.data(), label.size()) != static_cast<ssize_t>(label.size()))
        throw system_failure("execute with the SELinux label '" + label + "'");
}

} // namespace

void execute_payload(Payload& payload) {
    const MachineSpec& spec = payload.spec;
    const Account account = find_payload_user(spec.payload);
    Program program{
        spec.payload, account,
        payload_environment(spec, {.user = account.name.empty() ? std::to_string(account.uid) : account.name,
                                   .home = account.home,
                                   .listen_fds = payload.listen_fds})};
    // They may forbid what we still have to do: as late as the kernel takes them, which wants the privilege or the
    // promise to gain none.
    if (!spec.no_new_privileges)
        load_syscall_filter(payload.syscall_rules);
    become_user(account, spec);
    go_to_the_working_directory(spec.payload, account);
    if (spec.payload.mode == StartMode::as_pid2)
        continue_below_stub_init(stub_init_environment(spec));
    make_the_terminal_ours(spec);
    close_other_descriptors(payload.listen_fds);
    reset_signals();
    label_the_next_program(spec.selinux.payload);
    if (spec.no_new_privileges)
        load_syscall_filter(payload.syscall_rules);
    program.execute();
}

} // namespace machinist
