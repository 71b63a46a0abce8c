// SPDX-License-Identifier: LGPL-2.1-or-later
#include "namespaces/program.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <stdexcept>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace machinist::test {
namespace {

std::string contents(BorrowedFd file) {
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) < 0)
        return {};
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
}

UniqueFd checked(int descriptor, const char* what) {
    if (descriptor < 0)
        throw std::runtime_error{std::string{what} + ": " + std::strerror(errno)};
    return UniqueFd{descriptor};
}

struct Pipe {
    UniqueFd read, write;
    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) < 0)
            throw std::runtime_error{"no pipe"};
        read = UniqueFd{ends[0]};
        write = UniqueFd{ends[1]};
    }
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts)
        pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

} // namespace

Program::Program(const std::string& path, const std::vector<std::string>& arguments, const ProgramOptions& options)
    : on_terminal_(options.on_terminal) {
    UniqueFd streams[3];
    if (options.on_terminal) {
        input_ = checked(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "posix_openpt");
        if (::grantpt(input_.get()) < 0 || ::unlockpt(input_.get()) < 0)
            throw std::runtime_error{"no terminal"};
        const winsize size{.ws_row = 33, .ws_col = 99, .ws_xpixel = 0, .ws_ypixel = 0};
        ::ioctl(input_.get(), TIOCSWINSZ, &size);
        char name[128];
        ::ptsname_r(input_.get(), name, sizeof name);
        streams[0] = checked(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC), name);
    } else {
        Pipe input;
        streams[0] = std::move(input.read);
        if (!options.input || !options.input->empty())
            input_ = std::move(input.write);
        if (options.dialogue) {
            Pipe output;
            dialogue_ = std::move(output.read);
            streams[1] = std::move(output.write);
        } else {
            output_file_ = checked(::memfd_create("stdout", MFD_CLOEXEC), "memfd_create");
        }
        errors_file_ = checked(::memfd_create("stderr", MFD_CLOEXEC), "memfd_create");
    }

    std::vector<std::string> words{options.called_as.empty() ? path : options.called_as};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<std::string> environment{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    environment.insert(environment.end(), options.environment.begin(), options.environment.end());
    const std::vector<char*> argv = pointers_to(words), envp = pointers_to(environment);
    const pid_t parent = ::getpid();

    pid_ = ::fork();
    if (pid_ < 0)
        throw std::runtime_error{"no process"};
    if (pid_ == 0) {
        // A machine must not outlive the test that started it, however that one ends.
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent)
            ::_exit(125);
        ::setsid();
        const int input = streams[0].get();
        ::dup2(input, 0);
        ::dup2(on_terminal_ ? input : streams[1] ? streams[1].get() : output_file_.get(), 1);
        ::dup2(on_terminal_ ? input : errors_file_.get(), 2);
        if (on_terminal_)
            ::ioctl(0, TIOCSCTTY, 0);
        // dup2 onto itself would leave close-on-exec set.
        if (options.extra_descriptor == 3)
            ::fcntl(3, F_SETFD, 0);
        else if (options.extra_descriptor >= 0)
            ::dup2(options.extra_descriptor, 3);
        ::execve(path.c_str(), argv.data(), envp.data());
        ::dprintf(2, "cannot execute %s: %s\n", path.c_str(), std::strerror(errno));
        ::_exit(126);
    }
    if (options.input && input_) {
        say(*options.input);
        end_input();
    }
}

Program::~Program() {
    if (pid_ > 0 && !end_within(0ms)) {
        signal(SIGKILL);
        end_within(10s);
    }
}

void Program::say(std::string_view text) {
    // A program that ended does not end the test.
    struct sigaction ignore {
    }, before{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before);
    while (!text.empty()) {
        const ssize_t written = ::write(input_.get(), text.data(), text.size());
        if (written < 0 && errno != EINTR)
            break;
        text.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
    }
    ::sigaction(SIGPIPE, &before, nullptr);
}

void Program::end_input() {
    input_.reset();
}

bool Program::read_more(milliseconds patience) {
    const int source = on_terminal_ ? input_.get() : dialogue_.get();
    pollfd wanted{source, POLLIN, 0};
    if (::poll(&wanted, 1, static_cast<int>(std::max(patience, 0ms).count())) <= 0)
        return false;
    char bytes[4096];
    const ssize_t size = ::read(source, bytes, sizeof bytes);
    if (size <= 0)
        return false;
    unread_.append(bytes, static_cast<std::size_t>(size));
    return true;
}

std::optional<std::string> Program::line(milliseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
        if (const auto at = unread_.find('\n'); at != std::string::npos) {
            std::string found = unread_.substr(0, at);
            unread_.erase(0, at + 1);
            if (on_terminal_ && !found.empty() && found.back() == '\r')
                found.pop_back();
            return found;
        }
        // What is there already is read without any time, too: a program may have ended before anybody looked.
        if (!read_more(std::chrono::duration_cast<milliseconds>(end - std::chrono::steady_clock::now())))
            return std::nullopt;
    }
}

std::string Program::output_until(std::string_view text, milliseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (unread_.find(text) == std::string::npos) {
        const auto left = std::chrono::duration_cast<milliseconds>(end - std::chrono::steady_clock::now());
        if (left <= 0ms || !read_more(left))
            break;
    }
    return std::exchange(unread_, {});
}

std::string Program::output() const {
    return contents(output_file_);
}
std::string Program::errors() const {
    return contents(errors_file_);
}

void Program::signal(int number) const {
    if (pid_ > 0 && !status_)
        ::kill(pid_, number);
}

std::optional<int> Program::end_within(milliseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!status_) {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            break;
        }
        if (std::chrono::steady_clock::now() >= end)
            return std::nullopt;
        // Who writes to a terminal that nobody reads would wait for ever.
        if (on_terminal_ || dialogue_)
            read_more(1ms);
        pause_for(1ms);
    }
    return status_;
}

Outcome run(const std::string& path, const std::vector<std::string>& arguments, ProgramOptions options,
            milliseconds patience) {
    if (!options.input)
        options.input = "";
    Program program{path, arguments, options};
    const std::optional<int> status = program.end_within(patience);
    return {status.value_or(-1), program.output(), program.errors()};
}

void pause_for(milliseconds time) {
    std::this_thread::sleep_for(time);
}

} // namespace machinist::test
