// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/journal_receiver.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/capabilities.hpp"
#include "kernel/files.hpp"
#include "kernel/forked.hpp"
#include "kernel/mounts.hpp"
#include "kernel/process.hpp"
#include "kernel/syscalls.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <linux/mount.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::array programs{"/usr/lib/systemd/systemd-journal-remote", "/lib/systemd/systemd-journal-remote"};
// Older ones refuse connections over AF_UNIX.
constexpr unsigned first_version = 256;

constexpr const char* socket_name = "socket";
constexpr const char* ready_name = "ready";
// It reads its settings there, whatever its version; and what the host's say is about what comes over a network.
constexpr const char* settings_directory = "/etc/systemd";
constexpr const char* shared_directory = "/etc/systemd/machine";

constexpr int status_not_started = 127;
constexpr int patience_to_begin = 60000; // milliseconds
constexpr int patience_to_end = 10000;

const char* installed_program() {
    for (const char* program : programs)
        if (::access(program, X_OK) == 0)
            return program;
    return nullptr;
}

// "systemd 257 (257.8-1)".
unsigned version_of(const char* program) {
    const std::string said = run_program({program, "--version"}).output;
    const auto words = split_words(said);
    return words.size() < 2 ? 0 : parse_integer<unsigned>(words[1].substr(0, words[1].find('.'))).value_or(0);
}

struct Owner {
    uid_t user = 0;
    gid_t group = 0;
};

// What it says when it listens goes there.
UniqueFd bound_ready_socket(BorrowedFd directory, Owner owner) {
    UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    const std::string path = path_of_descriptor(directory) + "/" + ready_name;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const mode_t mask = ::umask(0577);
    const int bound = socket ? ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) : -1;
    ::umask(mask);
    if (bound < 0 || ::fchownat(directory.get(), ready_name, owner.user, owner.group, AT_SYMLINK_NOFOLLOW) < 0)
        throw system_failure("make the socket that it says at that it is ready");
    return socket;
}

void give(BorrowedFd directory, const char* name, Owner owner) {
    if (::fchownat(directory.get(), name, owner.user, owner.group, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
        throw system_failure("give the directory of the journal's socket to its owner");
}

bool is_file(const JournalForwarding& forwarding) {
    return forwarding.output.native().ends_with(".journal");
}

Path directory_of(const JournalForwarding& forwarding) {
    return is_file(forwarding) ? forwarding.output.parent_path() : forwarding.output;
}

std::string settings_of(const JournalForwarding& forwarding) {
    std::string text = "[Remote]\n";
    const auto add = [&](const char* name, std::optional<std::uint64_t> limit) {
        if (limit)
            text.append(name).append("=").append(std::to_string(*limit)).append("\n");
    };
    add("MaxUse", forwarding.max_use);
    add("KeepFree", forwarding.keep_free);
    add("MaxFileSize", forwarding.max_file_size);
    add("MaxFiles", forwarding.max_files);
    return text;
}

void make_settings(BorrowedFd directory, std::string_view text) {
    const UniqueFd file{
        ::openat(directory.get(), "journal-remote.conf", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
    if (!file || ::fchmod(file.get(), 0644) < 0 || ::mkdirat(directory.get(), "machine", 0755) < 0)
        throw system_failure("make its settings");
    write_all(file, text);
}

// Nothing of the host can be changed by it but what is in the directory that it writes to.
void keep_to(const Path& directory, const Start& start) {
    if (::unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
        throw system_failure("leave the host's namespaces");
    // A file in a directory is named after whoever sends, which for such a socket is the host.
    const std::string& name = start.spec.name.text();
    if (::sethostname(name.c_str(), name.size()) < 0)
        throw system_failure("take the machine's name");
    enter_private_mount_namespace();
    const UniqueFd output = clone_mount(open_path(directory, O_PATH | O_DIRECTORY), true);
    const UniqueFd settings = make_filesystem("tmpfs", {.options = {{"mode", "0755"}, {"size", "64k"}}});
    make_settings(settings, settings_of(*start.spec.integration.forwarded_journal));
    change_mount_at("/", {.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, .recursive = true});
    attach_mount(settings, open_path(settings_directory, O_PATH | O_DIRECTORY));
    attach_mount(start.host_side.journal, open_path(shared_directory, O_PATH | O_DIRECTORY));
    attach_mount(output, open_path(directory, O_PATH | O_DIRECTORY));
}

void give_up_rights(Owner owner) {
    limit_bounding_capabilities(0);
    if (::setgroups(0, nullptr) < 0 || ::setresgid(owner.group, owner.group, owner.group) < 0 ||
        ::setresuid(owner.user, owner.user, owner.user) < 0)
        throw system_failure("become the owner of the journal's directory");
    (void)set_capabilities({});
    set_no_new_privileges();
}

// Signals of a terminal are for whoever keeps the machine, who ends it last.
void stand_apart(pid_t parent) {
    ::setsid();
    (void)::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent)
        ::_exit(1);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void keep_standard_streams() {
    const UniqueFd nowhere = open_path("/dev/null", O_RDWR);
    if (::dup2(nowhere.get(), STDIN_FILENO) < 0 || ::dup2(nowhere.get(), STDOUT_FILENO) < 0 ||
        sys::close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
        throw system_failure("close what is not its own");
}

[[noreturn]] void execute(const char* program, const JournalForwarding& forwarding) {
    std::string output = "--output=" + forwarding.output.string();
    std::string split = std::string{"--split-mode="} + (is_file(forwarding) ? "none" : "host");
    std::string listen = std::string{"--listen-raw="} + shared_directory + "/" + socket_name;
    std::string ready = std::string{"NOTIFY_SOCKET="} + shared_directory + "/" + ready_name;
    std::string name = "systemd-journal-remote", path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    // What it says goes to whoever started the machine; all else is chatter.
    std::string target = "SYSTEMD_LOG_TARGET=console", level = "SYSTEMD_LOG_LEVEL=err";
    std::array arguments{name.data(), output.data(), split.data(), listen.data(), static_cast<char*>(nullptr)};
    std::array variables{path.data(), ready.data(), target.data(), level.data(), static_cast<char*>(nullptr)};
    ::execve(program, arguments.data(), variables.data());
    throw system_failure(std::string{"execute '"} + program + "'");
}

[[noreturn]] void become_receiver(const Start& start, pid_t parent, Owner owner) {
    const JournalForwarding& forwarding = *start.spec.integration.forwarded_journal;
    try {
        const char* program = installed_program();
        if (program == nullptr)
            throw Failure{FailureKind::not_found, "systemd-journal-remote is not installed"};
        keep_to(directory_of(forwarding), start);
        give_up_rights(owner);
        stand_apart(parent);
        keep_standard_streams();
        execute(program, forwarding);
    } catch (const Failure& failure) {
        std::fprintf(stderr, "machinist: receive the journal: %s\n", failure.what());
    }
    ::_exit(status_not_started);
}

bool says_ready(BorrowedFd socket) {
    std::string message(4096, '\0');
    const ssize_t size = ::recv(socket.get(), message.data(), message.size(), MSG_DONTWAIT);
    message.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    for (const std::string_view line : split(message, '\n'))
        if (line == "READY=1")
            return true;
    return false;
}

void wait_until_it_is_ready(const Pidfd& receiver, BorrowedFd ready) {
    for (;;) {
        std::array<pollfd, 2> events{{{.fd = receiver.descriptor().get(), .events = POLLIN, .revents = 0},
                                      {.fd = ready.get(), .events = POLLIN, .revents = 0}}};
        const int count = ::poll(events.data(), events.size(), patience_to_begin);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            throw Failure{FailureKind::timed_out, "wait for systemd-journal-remote: it does not become ready"};
        if (events[1].revents != 0 && says_ready(ready))
            return;
        if (events[0].revents != 0)
            throw Failure{FailureKind::system, "start systemd-journal-remote: it ended at once, and said why above"}
                .try_instead("another --forward-journal=FILE|DIR");
    }
}

} // namespace

std::optional<Problem> problem_of_journal_receiver() {
    const char* program = installed_program();
    if (program != nullptr && version_of(program) >= first_version)
        return std::nullopt;
    const std::string wanted = "systemd-journal-remote of version " + std::to_string(first_version) + " or newer";
    return Problem{.kind = FailureKind::not_supported,
                   .option = "--forward-journal",
                   .value = {},
                   .sentence = "--forward-journal: " +
                               (program == nullptr ? "systemd-journal-remote is not installed"
                                                   : std::string{"'"} + program + "' cannot listen for machines"),
                   .remedy = "installing " + wanted};
}

void receive_journal(Start& start) {
    // Of the last start, when the machine reboots: that socket is nobody's any more.
    end_journal_receiver(start);
    const BorrowedFd shared = start.host_side.journal;
    if (!shared)
        return;
    const Path directory = directory_of(*start.spec.integration.forwarded_journal);
    make_directories(directory, 0755);
    const struct stat status = status_of(open_path(directory, O_PATH | O_DIRECTORY));
    const Owner owner{status.st_uid, status.st_gid};
    const UniqueFd ready = bound_ready_socket(shared, owner);
    give(shared, "", owner);
    const pid_t self = ::getpid();
    Pidfd receiver = fork_held();
    if (!receiver)
        become_receiver(start, self, owner);
    start.journal_receiver = std::move(receiver);
    wait_until_it_is_ready(start.journal_receiver, ready);
    // From here on the directory and what is in it are the machine's root's, who alone may send.
    const UserSpec& users = start.spec.users;
    const std::uint32_t root = users.kind == UserNamespaceKind::none ? 0 : users.base;
    give(shared, "", {root, root});
    give(shared, socket_name, {root, root});
    if (::fchmodat(shared.get(), socket_name, 0200, 0) < 0 || ::unlinkat(shared.get(), ready_name, 0) < 0)
        throw system_failure("close the socket of the journal to others");
    start.host_side.journal.reset();
}

void end_journal_receiver(Start& start) {
    if (!start.journal_receiver)
        return;
    (void)start.journal_receiver.send_signal(SIGTERM);
    if (!start.journal_receiver.wait_for_end(patience_to_end))
        (void)start.journal_receiver.send_signal(SIGKILL);
    while (::waitpid(start.journal_receiver.pid(), nullptr, 0) < 0 && errno == EINTR)
        continue;
    start.journal_receiver = {};
}

} // namespace machinist
