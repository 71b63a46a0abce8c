// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recipe/bootstrap.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "base/text.hpp"
#include "base/unique_fd.hpp"
#include "kernel/files.hpp"
#include "kernel/pipe.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <deque>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace machinist {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t lines_of_a_failure = 40;
constexpr std::size_t longest_line = 4096;
constexpr auto patience_at_the_end = 10s; // it unmounts what it mounted

// What it says, cut into lines; a carriage return ends one, too.
class Lines {
public:
    explicit Lines(const OnLine& on_line) : on_line_(on_line) {}
    void take(std::string_view bytes) {
        for (const char byte : bytes) {
            if (byte == '\n' || byte == '\r')
                end();
            else if (line_.size() < longest_line)
                line_ += byte;
        }
    }
    void end() {
        const std::string line = escaped_for_people(trimmed(line_));
        line_.clear();
        if (line.empty())
            return;
        last_.push_back(line);
        if (last_.size() > lines_of_a_failure)
            last_.pop_front();
        on_line_(line);
    }
    [[nodiscard]] std::string last() const {
        std::string text;
        for (const std::string& line : last_)
            text.append("\n  ").append(line);
        return text;
    }

private:
    const OnLine& on_line_;
    std::string line_;
    std::deque<std::string> last_;
};

std::vector<std::string> environment_with(const std::optional<std::int64_t>& epoch) {
    std::vector<std::string> variables;
    constexpr std::string_view name = "SOURCE_DATE_EPOCH=";
    for (char** variable = environ; *variable != nullptr; ++variable)
        if (!std::string_view{*variable}.starts_with(name))
            variables.emplace_back(*variable);
    if (epoch)
        variables.push_back(std::string{name} + std::to_string(*epoch));
    return variables;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts)
        pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

class Child {
public:
    Child(std::vector<std::string> command, const std::string& input, const std::optional<std::int64_t>& epoch,
          const Cancellation& cancellation) {
        const UniqueFd text{::memfd_create("input", MFD_CLOEXEC)};
        if (!text)
            throw system_failure("make a memory file");
        auto [from_it, to_us] = make_pipe();
        output_ = std::move(from_it);
        write_all(text, input);
        ::lseek(text.get(), 0, SEEK_SET);
        std::vector<std::string> variables = environment_with(epoch);
        const std::vector<char*> words = pointers_to(command);
        const std::vector<char*> environment = pointers_to(variables);
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        if (pid_ < 0)
            throw system_failure("start '" + command[0] + "'");
        if (pid_ > 0)
            return;
        // A group of its own: it is ended as a whole. It must not outlive us, either.
        ::setpgid(0, 0);
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        ::sigprocmask(SIG_SETMASK, &cancellation.signals_before(), nullptr);
        if (::getppid() == parent && ::dup2(text.get(), STDIN_FILENO) >= 0 && ::dup2(to_us.get(), STDOUT_FILENO) >= 0 &&
            ::dup2(to_us.get(), STDERR_FILENO) >= 0)
            ::execvpe(words[0], words.data(), environment.data());
        ::_exit(errno == ENOENT ? 127 : 126);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        end();
    }

    [[nodiscard]] BorrowedFd output() const {
        return output_;
    }
    int wait() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR)
            continue;
        pid_ = 0;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }

private:
    void end() {
        if (pid_ == 0)
            return;
        ::kill(-pid_, SIGTERM);
        const auto deadline = std::chrono::steady_clock::now() + patience_at_the_end;
        while (std::chrono::steady_clock::now() < deadline) {
            if (::waitpid(pid_, nullptr, WNOHANG) == pid_)
                break;
            std::this_thread::sleep_for(20ms);
        }
        ::kill(-pid_, SIGKILL);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR)
            continue;
        pid_ = 0;
    }

    pid_t pid_ = 0;
    UniqueFd output_;
};

} // namespace

void run_bootstrap(const std::vector<std::string>& command, const std::string& input,
                   const std::optional<std::int64_t>& epoch, Cancellation& cancellation, const OnLine& on_line) {
    Child child{command, input, epoch, cancellation};
    Lines lines{on_line};
    std::array<char, 8192> bytes{};
    for (;;) {
        std::array<pollfd, 2> waiting{pollfd{.fd = child.output().get(), .events = POLLIN, .revents = 0},
                                      pollfd{.fd = cancellation.descriptor().get(), .events = POLLIN, .revents = 0}};
        constexpr int interval_ms = 500;
        const int count = ::poll(waiting.data(), waiting.size(), interval_ms);
        if (count < 0 && errno != EINTR)
            throw system_failure("wait for '" + command[0] + "'");
        cancellation.check();
        if (count <= 0) {
            on_line("");
            continue;
        }
        const ssize_t size = ::read(child.output().get(), bytes.data(), bytes.size());
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            break;
        lines.take({bytes.data(), static_cast<std::size_t>(size)});
    }
    lines.end();
    const int status = child.wait();
    if (status == 127)
        throw Failure{FailureKind::not_supported, "run '" + command[0] + "': it is not installed"}.try_instead(
            "installing the package " + command[0]);
    if (status != 0)
        throw Failure{FailureKind::system, "'" + command[0] + "' ended with status " + std::to_string(status) +
                                               "; what it said last:" + lines.last()};
}

} // namespace machinist
