// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kept_machine.hpp"

#include "kernel/syscalls.hpp"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

namespace machinist {

namespace {

constexpr int patience = 10'000;

void require(bool success, const char* what) {
    if (!success)
        throw std::runtime_error{std::string{what} + ": " + std::strerror(errno)};
}

UniqueFd bound_socket(const std::filesystem::path& path) {
    UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    require(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
    const int on = 1;
    require(::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0, "SO_PASSCRED");
    return socket;
}

bool wait_readable(int number) {
    pollfd state{.fd = number, .events = POLLIN, .revents = 0};
    return ::poll(&state, 1, patience) > 0;
}

int passed_on(BorrowedFd descriptor) {
    if (descriptor)
        ::fcntl(descriptor.get(), F_SETFD, 0);
    return descriptor.get();
}

} // namespace

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file{path};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::set<std::string> names_in(const std::filesystem::path& directory) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{directory})
        names.insert(entry.path().filename());
    return names;
}

std::filesystem::path make_directory() {
    // In memory where that can be: many small files are made and removed.
    std::string name =
        ::access("/dev/shm", W_OK) == 0 ? "/dev/shm/machinist-test-XXXXXX" : "/tmp/machinist-test-XXXXXX";
    require(::mkdtemp(name.data()) != nullptr, "mkdtemp");
    return name;
}

std::filesystem::path own_cgroup() {
    std::istringstream mounts{text_of("/proc/self/mountinfo")};
    std::istringstream membership{text_of("/proc/self/cgroup")};
    std::string path;
    for (std::string line; std::getline(membership, line);)
        if (line.starts_with("0::"))
            path = line.substr(3);
    for (std::string line; std::getline(mounts, line);) {
        if (line.find(" - cgroup2 ") == std::string::npos)
            continue;
        std::istringstream words{line};
        std::string word;
        for (int field = 1; field <= 5; ++field)
            words >> word;
        const std::filesystem::path found = word + path;
        if (::access((found / "cgroup.procs").c_str(), W_OK) == 0)
            return found;
    }
    return {};
}

Pipe make_pipe() {
    int ends[2];
    require(::pipe2(ends, O_CLOEXEC) == 0, "pipe");
    return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

Pty make_pty() {
    Pty pty{UniqueFd{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)}, {}};
    require(static_cast<bool>(pty.master), "posix_openpt");
    require(::grantpt(pty.master.get()) == 0 && ::unlockpt(pty.master.get()) == 0, "unlockpt");
    pty.slave_path = ::ptsname(pty.master.get());
    return pty;
}

std::string read_until(BorrowedFd file, std::string_view text) {
    std::string all;
    char part[65536];
    while (text.empty() || all.find(text) == std::string::npos) {
        require(wait_readable(file.get()), ("nothing more after '" + all.substr(0, 2000) + "'").c_str());
        const ssize_t count = ::read(file.get(), part, sizeof part);
        if (count <= 0)
            break;
        all.append(part, static_cast<std::size_t>(count));
    }
    return all;
}

AKeptMachine::AKeptMachine() {
    directory = make_directory();
    run_directory = directory / "web";
    std::filesystem::create_directory(run_directory);
    run_directory_fd_ = UniqueFd{::open(run_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    lock_ = UniqueFd{::open((run_directory / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    require(::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0, "flock");

    orders.magic = KEEPER_ORDERS_MAGIC;
    orders.size = sizeof orders;
    orders.console = KEEPER_CONSOLE_PASSIVE;
    orders.console_fd = orders.notify_fd = orders.cgroup_fd = orders.network_fd = orders.spec_fd = -1;
    orders.journal_pidfd = -1;
    for (int& number : orders.pipe_fds)
        number = -1;
    for (int& number : orders.kept_fds)
        number = -1;
    for (int& number : orders.held_fds)
        number = -1;
    std::strcpy(orders.name, "web");
    std::strcpy(orders.run_directory, run_directory.c_str());

    input = UniqueFd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    Pipe out = make_pipe();
    output = std::move(out.writes);
    output_reader_ = std::move(out.reads);
    Pipe err = make_pipe();
    errors = std::move(err.writes);
    errors_reader_ = std::move(err.reads);
    Pipe go = make_pipe();
    go_reader_ = std::move(go.reads);
    go_writer_ = std::move(go.writes);
}

AKeptMachine::~AKeptMachine() {
    for (const pid_t process : {leader, supervisor})
        if (process > 0)
            ::kill(process, SIGKILL);
    if (supervisor > 0)
        ::waitpid(supervisor, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
}

void AKeptMachine::use_pty(keeper_console mode) {
    Pty pty = make_pty();
    console_ = std::move(pty.master);
    pty_path = pty.slave_path;
    orders.console = mode;
    for (UniqueFd& end : machine_ends_)
        end = UniqueFd{::open(pty_path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
}

void AKeptMachine::use_pipes() {
    orders.console = KEEPER_CONSOLE_PIPE;
    for (int stream = 0; stream < 3; ++stream) {
        Pipe pipe = make_pipe();
        machine_ends_[stream] = std::move(stream == 0 ? pipe.reads : pipe.writes);
        our_ends_[stream] = std::move(stream == 0 ? pipe.writes : pipe.reads);
    }
}

void AKeptMachine::use_notify_socket() {
    notify_socket_ = bound_socket(directory / "inner");
}

void AKeptMachine::use_outer_manager() {
    outer_socket = bound_socket(directory / "outer");
    environment.push_back("NOTIFY_SOCKET=" + (directory / "outer").string());
}

void AKeptMachine::use_lines_of_undo(std::string_view lines) {
    std::memcpy(orders.undo, lines.data(), lines.size());
    std::ofstream{run_directory / "undo"} << lines;
}

void AKeptMachine::launch(const std::function<void()>& body) {
    Pipe leader_number = make_pipe();
    supervisor = ::fork();
    require(supervisor >= 0, "fork");
    if (supervisor == 0)
        become_supervisor(body, leader_number.writes);
    leader_number.writes.reset();
    require(::read(leader_number.reads.get(), &leader, sizeof leader) == sizeof leader, "start");
    input.reset();
    output.reset();
    errors.reset();
    go_writer_.reset();
    console_.reset();
    lock_.reset();
    for (int stream = 0; stream < 3; ++stream) {
        machine_ends_[stream].reset();
        our_ends_[stream].reset();
    }
}

void AKeptMachine::become_leader() {
    for (int stream = 0; stream < 3; ++stream)
        if (machine_ends_[stream])
            ::dup2(machine_ends_[stream].get(), stream);
    const int go = ::dup(go_writer_.get());
    ::setsid();
    for (int number = 3; number < 256; ++number)
        if (number != go)
            ::close(number);
    (void)go_writer_.release();
    go_writer_ = UniqueFd{go};
}

void AKeptMachine::become_supervisor(const std::function<void()>& body, BorrowedFd tell_leader) {
    // Nothing stays behind of a test that failed.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // As the launcher: what arrives before the supervisor listens must wait for it.
    sigset_t waiting;
    sigset_t found;
    ::sigemptyset(&waiting);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT})
        ::sigaddset(&waiting, signal);
    ::sigprocmask(SIG_BLOCK, &waiting, &found);
    if (on_terminal) {
        ::setsid();
        ::ioctl(input.get(), TIOCSCTTY, 0);
    }
    if (in_background)
        ::setpgid(0, 0);
    const pid_t machine = ::fork();
    if (machine == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::sigprocmask(SIG_SETMASK, &found, nullptr);
        become_leader();
        body();
        ::_exit(99);
    }
    const UniqueFd pidfd{sys::pidfd_open(machine, 0)};
    orders.leader_pidfd = passed_on(pidfd);
    orders.leader_pid = machine;
    orders.console_fd = passed_on(console_);
    orders.notify_fd = passed_on(notify_socket_);
    orders.run_directory_fd = passed_on(run_directory_fd_);
    orders.lock_fd = passed_on(lock_);
    for (int stream = 0; stream < 3; ++stream)
        orders.pipe_fds[stream] = passed_on(our_ends_[stream]);
    const int memfd = ::memfd_create("orders", 0);
    (void)!::write(memfd, &orders, sizeof orders);
    (void)!::write(tell_leader.get(), &machine, sizeof machine);

    ::dup2(input.get(), 0);
    ::dup2(output.get(), 1);
    ::dup2(errors.get(), 2);
    ::clearenv();
    for (const std::string& variable : environment)
        ::putenv(const_cast<char*>(variable.c_str()));
    const std::string number = std::to_string(memfd);
    ::execl(SUPERVISOR_PROGRAM, "machinist-supervisor", number.c_str(), nullptr);
    ::_exit(98);
}

Ended AKeptMachine::wait_for_end() {
    const UniqueFd pidfd{sys::pidfd_open(supervisor, 0)};
    require(wait_readable(pidfd.get()), "the supervisor does not end");
    int status = 0;
    ::waitpid(supervisor, &status, 0);
    supervisor = -1;
    return WIFEXITED(status) ? Ended{true, WEXITSTATUS(status)} : Ended{false, WTERMSIG(status)};
}

void AKeptMachine::wait_for_leader_end() const {
    const UniqueFd pidfd{sys::pidfd_open(leader, 0)};
    require(!pidfd || wait_readable(pidfd.get()), "process 1 does not end");
}

void AKeptMachine::signal_supervisor(int signal) const {
    ::kill(supervisor, signal);
}

long AKeptMachine::processor_ticks() const {
    std::istringstream stat{text_of("/proc/" + std::to_string(supervisor) + "/stat")};
    std::string word;
    long user = 0;
    long system = 0;
    for (int field = 1; field <= 13; ++field)
        stat >> word;
    stat >> user >> system;
    return user + system;
}

std::string AKeptMachine::all_output() {
    return read_until(output_reader_);
}

std::string AKeptMachine::all_errors() {
    return read_until(errors_reader_);
}

std::string AKeptMachine::output_until(std::string_view text) {
    return read_until(output_reader_, text);
}

std::string AKeptMachine::next_told() {
    char message[8192];
    require(wait_readable(outer_socket.get()), "the manager is told nothing");
    const ssize_t size = ::recv(outer_socket.get(), message, sizeof message, 0);
    return {message, static_cast<std::size_t>(size)};
}

void AKeptMachine::notify(std::string_view message, std::span<const int> descriptors) const {
    const UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (directory / "inner").c_str(), sizeof address.sun_path - 1);
    iovec text{.iov_base = const_cast<char*>(message.data()), .iov_len = message.size()};
    msghdr header{};
    header.msg_name = &address;
    header.msg_namelen = sizeof address;
    header.msg_iov = &text;
    header.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 8)]{};
    if (!descriptors.empty()) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        auto* rights = reinterpret_cast<cmsghdr*>(control);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
    }
    ::sendmsg(socket.get(), &header, 0);
}

std::string AKeptMachine::notify_file_with(std::string_view text) const {
    const UniqueFd watch{::inotify_init1(IN_CLOEXEC)};
    ::inotify_add_watch(watch.get(), run_directory.c_str(), IN_MOVED_TO);
    for (;;) {
        const std::string told = text_of(run_directory / "notify");
        if (told.find(text) != std::string::npos)
            return told;
        require(wait_readable(watch.get()), ("the file notify holds only '" + told + "'").c_str());
        char events[4096];
        (void)!::read(watch.get(), events, sizeof events);
    }
}

void AKeptMachine::machine_says_go() const {
    (void)!::write(go_writer_.get(), "!", 1);
}

void AKeptMachine::wait_for_go() {
    char mark = 0;
    require(wait_readable(go_reader_.get()) && ::read(go_reader_.get(), &mark, 1) == 1, "no sign of the machine");
}

} // namespace machinist
